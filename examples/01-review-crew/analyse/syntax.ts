import { closesTemplate, opensTemplate } from './tokens.ts'
import type { Token } from './tokens.ts'

/** Words and marks that a type goes on after. */
const TYPE_PREFIXES = new Set(['keyof', 'typeof', 'readonly', 'unique', 'infer', 'asserts', 'new', 'abstract', 'is', 'extends'])
const TYPE_INFIXES = new Set(['is', 'extends'])
const TYPE_MARKS = new Set(['|', '&', '=>', '.', '?', ':', '-'])

/** The tokens of a file with their brackets, and the few steps through them that rules need. Positions are token indexes. */
export class Syntax {
  readonly tokens: readonly Token[]
  readonly #partner: number[]
  readonly #parent: number[]

  /** The tokens must be those of a file that is `ok`. */
  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
    this.#partner = tokens.map(() => -1)
    this.#parent = tokens.map(() => -1)
    const open: number[] = []
    for (const [at, token] of tokens.entries()) {
      if (closesTemplate(token) || this.isMark(at, ')', ']', '}')) {
        const partner = open.pop() ?? -1
        this.#partner[at] = partner
        this.#partner[partner] = at
      }
      this.#parent[at] = open.at(-1) ?? -1
      if (opensTemplate(token) || this.isMark(at, '(', '[', '{')) open.push(at)
    }
  }

  text(at: number): string {
    return this.tokens[at]?.text ?? ''
  }

  line(at: number): number {
    return this.tokens[at]?.line ?? 0
  }

  isName(at: number): boolean {
    return this.tokens[at]?.kind === 'name'
  }

  isMark(at: number, ...marks: readonly string[]): boolean {
    const token = this.tokens[at]
    return token?.kind === 'mark' && marks.includes(token.text)
  }

  /** A word used as itself: not a member `x.word`, not a key `word:`. */
  isWord(at: number, ...words: readonly string[]): boolean {
    return this.isName(at) && words.includes(this.text(at)) && !this.isMark(at - 1, '.', '?.') && !this.isMark(at + 1, ':')
  }

  /** The partner of a bracket; -1 for other tokens. */
  partner(at: number): number {
    return this.#partner[at] ?? -1
  }

  /** The bracket around a token; -1 at the top. */
  parent(at: number): number {
    return this.#parent[at] ?? -1
  }

  /** Behind a token, or behind everything between it and its partner. */
  after(at: number): number {
    return Math.max(at, this.partner(at)) + 1
  }

  /** Before a token, or before everything between it and its partner. */
  before(at: number): number {
    const partner = this.partner(at)
    return (partner >= 0 ? Math.min(at, partner) : at) - 1
  }

  /** Behind the list of type arguments that begins here, if one does. */
  afterAngles(start: number): number {
    if (!this.isMark(start, '<')) return start
    let depth = 0
    for (let at = start; at < this.tokens.length && this.parent(at) === this.parent(start); at = this.after(at)) {
      if (this.isMark(at, '<')) depth++
      if (this.isMark(at, '>') && --depth === 0) return at + 1
    }
    return start + 1
  }

  /** Where the list of type parameters begins that ends before `end`; `end` itself if there is none. */
  beginOfAngles(end: number): number {
    if (!this.isMark(end - 1, '>')) return end
    let depth = 0
    for (let at = end - 1; at >= 0 && this.parent(at) === this.parent(end); at = this.before(at)) {
      if (this.isMark(at, '>')) depth++
      if (this.isMark(at, '<') && --depth === 0) return at
    }
    return end
  }

  /** The `{` of the body behind parameters and the type that may follow them; -1 for a declaration without one. */
  bodyAfter(params: number): number {
    const next = this.after(params)
    if (this.isMark(next, '{')) return next
    return this.isMark(next, ':') ? this.#braceAfterType(next + 1) : -1
  }

  #braceAfterType(start: number): number {
    let wantsOperand = true
    for (let at = start; at < this.tokens.length; ) {
      if (this.isMark(at, '{') && !wantsOperand) return at
      const goesOn = this.isMark(at, ...TYPE_MARKS) || (this.isName(at) && TYPE_INFIXES.has(this.text(at)))
      const isOperand = this.isMark(at, '{', '(', '[') || this.tokens[at]?.kind !== 'mark'
      if (!goesOn && !this.isMark(at, '<', '[') && !(isOperand && wantsOperand)) return -1
      wantsOperand = goesOn || (this.isName(at) && TYPE_PREFIXES.has(this.text(at)))
      at = this.isMark(at, '<') ? this.afterAngles(at) : this.after(at)
    }
    return -1
  }
}
