import { outlineOf } from './outline.ts'
import type { Outline } from './outline.ts'
import { Syntax } from './syntax.ts'
import { tokenize } from './tokens.ts'
import type { Token } from './tokens.ts'

/** A source file, taken apart. */
export interface Source extends Outline {
  readonly lines: readonly string[]
  readonly comments: readonly Token[]
  readonly syntax: Syntax
  /** False when the tokenizer lost its way (JSX, a syntax error): rules about code then have no say. */
  readonly isClear: boolean
}

export function parseSource(text: string): Source {
  const { ok, code, comments } = tokenize(text)
  const syntax = new Syntax(ok ? code : [])
  const { braces, functions } = outlineOf(syntax)
  return { lines: text.split(/\r?\n/), comments, syntax, braces, functions, isClear: ok }
}

/** Lines that hold code: neither blank nor only a comment. */
export function codeLines({ syntax }: Source): number {
  const lines = new Set<number>()
  for (const { line, endLine } of syntax.tokens) for (let at = line; at <= endLine; at++) lines.add(at)
  return lines.size
}
