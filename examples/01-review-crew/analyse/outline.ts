import type { Syntax } from './syntax.ts'

/** What a pair of braces is for; `other` is an object, a type, or what could not be told. */
export type BraceKind = 'function' | 'control' | 'block' | 'class' | 'other'

export interface FunctionOutline {
  /** Its name as declared; undefined when it has none. */
  readonly name: string | undefined
  /** `binding`: called by its name alone. `method`: called on an object. */
  readonly called: 'binding' | 'method' | 'never'
  /** What to call it in a sentence. */
  readonly label: string
  /** Declared `async`, or to return a `Promise`; generators are neither. */
  readonly isAsync: boolean
  /** Positions of its first token, its parameters and its body; -1 for what it has not. */
  readonly head: number
  readonly params: number
  readonly body: number
}

/** Functions, and what each opening brace is for. */
export interface Outline {
  readonly braces: ReadonlyMap<number, BraceKind>
  readonly functions: readonly FunctionOutline[]
}

const CONTROL = ['if', 'for', 'while', 'switch', 'catch', 'with']
const BARE_CONTROL = ['else', 'do', 'try', 'finally', 'catch']
const MODIFIERS = ['async', 'static', 'get', 'set', 'public', 'private', 'protected', 'override', 'readonly', 'abstract']

export function outlineOf(syntax: Syntax): Outline {
  const outliner = new Outliner(syntax)
  // Outer before inner: the kind of the braces around it says whether `name(…) {` is a method.
  for (let at = 0; at < syntax.tokens.length; at++) outliner.visit(at)
  return outliner
}

/** Whether statements stand in these braces; -1 is the top of the file. */
export function holdsStatements({ braces }: Pick<Outline, 'braces'>, brace: number): boolean {
  const kind = braces.get(brace)
  return brace < 0 || kind === 'function' || kind === 'control' || kind === 'block'
}

/** Whether this parenthesis belongs to `if (…)`, `for (…)` and the like. */
export const isControlParen = (syntax: Syntax, paren: number): boolean => syntax.isWord(paren - 1, ...CONTROL) || (syntax.isWord(paren - 1, 'await') && syntax.isWord(paren - 2, 'for'))

type Naming = Pick<FunctionOutline, 'name' | 'called' | 'label'>

class Outliner implements Outline {
  readonly braces = new Map<number, BraceKind>()
  readonly functions: FunctionOutline[] = []
  readonly #syntax: Syntax

  constructor(syntax: Syntax) {
    this.#syntax = syntax
  }

  visit(at: number): void {
    const syntax = this.#syntax
    if (syntax.isMark(at, '{')) this.braces.set(at, this.braces.get(at) ?? this.#kindOfBrace(at))
    else if (syntax.isMark(at, '=>')) this.#visitArrow(at)
    else if (syntax.isWord(at, 'function')) this.#visitFunction(at)
    else if (syntax.isWord(at, 'class')) this.#visitClass(at)
    else this.#visitMethod(at)
  }

  #add(outline: FunctionOutline): void {
    this.functions.push(outline)
    if (outline.body >= 0) this.braces.set(outline.body, 'function')
  }

  #kindOfBrace(at: number): BraceKind {
    const syntax = this.#syntax
    const around = syntax.parent(at)
    if (syntax.isMark(at - 1, ')') && isControlParen(syntax, syntax.partner(at - 1))) return 'control'
    if (syntax.isWord(at - 1, ...BARE_CONTROL)) return 'control'
    if (syntax.isWord(at - 1, 'static') && this.braces.get(around) === 'class') return 'function'
    const beginsStatement = at === 0 || syntax.isMark(at - 1, ';', '{', '}', ':')
    return beginsStatement && holdsStatements(this, around) ? 'block' : 'other'
  }

  #visitClass(at: number): void {
    const syntax = this.#syntax
    let next = at + 1
    while (next < syntax.tokens.length && !syntax.isMark(next, '{')) next = syntax.isMark(next, '<') ? syntax.afterAngles(next) : syntax.after(next)
    this.braces.set(next, 'class')
  }

  #visitFunction(at: number): void {
    const syntax = this.#syntax
    const isGenerator = syntax.isMark(at + 1, '*')
    const nameAt = isGenerator ? at + 2 : at + 1
    const name = syntax.isName(nameAt) ? syntax.text(nameAt) : undefined
    const params = syntax.afterAngles(name === undefined ? nameAt : nameAt + 1)
    if (!syntax.isMark(params, '(')) return
    const head = syntax.isWord(at - 1, 'async') ? at - 1 : at
    const naming: Naming = name === undefined ? this.#namingOf(head) : { name, called: 'binding', label: name }
    const isAsync = !isGenerator && (head !== at || this.#returnsPromise(params))
    this.#add({ ...naming, isAsync, head, params, body: syntax.bodyAfter(params) })
  }

  #visitArrow(at: number): void {
    const syntax = this.#syntax
    const params = this.#paramsBefore(at)
    const start = syntax.isMark(params, '(') ? syntax.beginOfAngles(params) : params
    const head = syntax.isWord(start - 1, 'async') ? start - 1 : start
    const isAsync = head !== start || this.#returnsPromise(params)
    this.#add({ ...this.#namingOf(head), isAsync, head, params, body: syntax.isMark(at + 1, '{') ? at + 1 : -1 })
  }

  #visitMethod(at: number): void {
    const syntax = this.#syntax
    const around = this.braces.get(syntax.parent(at))
    const isComputed = syntax.isMark(at, ']')
    if ((around !== 'class' && around !== 'other') || !(syntax.isName(at) || isComputed) || CONTROL.includes(syntax.text(at))) return
    const params = syntax.afterAngles(at + 1)
    const body = syntax.isMark(params, '(') ? syntax.bodyAfter(params) : -1
    const beginsLine = around === 'class' && syntax.line(at - 1) < syntax.line(at)
    const isFirst = syntax.isMark(at - 1, '{', '}', ';', ',', '*') || MODIFIERS.includes(syntax.text(at - 1)) || isComputed || beginsLine
    if (body < 0 || !isFirst) return
    let head = isComputed ? syntax.partner(at) : at
    while (syntax.isMark(head - 1, '*') || MODIFIERS.includes(syntax.text(head - 1))) head--
    const modifiers = syntax.tokens.slice(head, at).map(({ text }) => text)
    const isAsync = !modifiers.includes('*') && (modifiers.includes('async') || this.#returnsPromise(params))
    const label = isComputed ? 'a computed method' : syntax.text(at)
    this.#add({ name: isComputed ? undefined : label, called: 'method', label, isAsync, head, params, body })
  }

  /** What a function expression is assigned or given to. */
  #namingOf(head: number): Naming {
    const syntax = this.#syntax
    const variable = syntax.isMark(head - 1, '=') ? this.#variableBefore(head - 1) : undefined
    if (variable !== undefined) return { name: variable, called: 'binding', label: variable }
    if (syntax.isMark(head - 1, ':') && syntax.isName(head - 2) && syntax.isMark(head - 3, '{', ',')) {
      return { name: syntax.text(head - 2), called: 'never', label: syntax.text(head - 2) }
    }
    const around = syntax.parent(head)
    const isArgument = syntax.isMark(around, '(') && syntax.isName(around - 1) && syntax.isMark(head - 1, '(', ',')
    return { name: undefined, called: 'never', label: isArgument ? `a function given to ${syntax.text(around - 1)}` : 'a function without a name' }
  }

  /** The variable of `const name =` or `const name: Type =`. */
  #variableBefore(equals: number): string | undefined {
    const syntax = this.#syntax
    for (let at = equals - 1; at >= 0 && syntax.parent(at) === syntax.parent(equals); at = syntax.before(at)) {
      if (syntax.isMark(at, ';', '=')) return undefined
      if (syntax.isWord(at, 'const', 'let', 'var')) return syntax.isName(at + 1) ? syntax.text(at + 1) : undefined
    }
    return undefined
  }

  /** The parameters of an arrow: `name =>`, `(…) =>` or `(…): Type =>`. */
  #paramsBefore(arrow: number): number {
    const syntax = this.#syntax
    if (syntax.isMark(arrow - 1, ')')) return syntax.partner(arrow - 1)
    let angles = 0
    for (let at = arrow - 1; at > 0 && syntax.parent(at) === syntax.parent(arrow); at = syntax.before(at)) {
      if (syntax.isMark(at, ':') && syntax.isMark(at - 1, ')')) return syntax.partner(at - 1)
      if (syntax.isMark(at, '>')) angles++
      if (syntax.isMark(at, '<')) angles--
      if (syntax.isMark(at, '=', ';', '=>') || (angles === 0 && syntax.isMark(at, ','))) break
    }
    return arrow - 1
  }

  #returnsPromise(params: number): boolean {
    const next = this.#syntax.after(params)
    return this.#syntax.isMark(next, ':') && this.#syntax.text(next + 1) === 'Promise' && this.#syntax.isMark(next + 2, '<')
  }
}
