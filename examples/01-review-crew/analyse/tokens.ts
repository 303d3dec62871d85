/**
 * A tokenizer for TypeScript and JavaScript: it knows strings, templates, comments and regular expressions, so that
 * no rule takes a word in a string for code. It does not know JSX: where it loses its way, `ok` is false.
 */

export type TokenKind = 'name' | 'number' | 'string' | 'template' | 'regex' | 'comment' | 'mark'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** Offset of its first character. */
  readonly start: number
  readonly line: number
  readonly endLine: number
}

export interface Tokens {
  /** False when something never ends or brackets do not match. */
  readonly ok: boolean
  readonly code: readonly Token[]
  readonly comments: readonly Token[]
}

const SPACE = /\s+/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|^#![^\n]*/y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const NUMBER = /(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)n?/y
const NAME = /#?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy
const REGEX = /\/(?![*/])(?:[^\\/[\n]|\\[^\n]|\[(?:[^\\\]\n]|\\[^\n])*\])+\/[a-z]*/y
/** From a backtick, or from the `}` that ends a substitution, to the next `${` or to the end. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
/** `>` stands alone, because `>>` may end two lists of type arguments. */
const MARK = /\.\.\.|=>|\?\.(?!\d)|\?\?=?|&&=?|\|\|=?|\+\+|--|[=!]==?|\*\*=?|<<=?|[-+*/%&|^<]=|[^\s\w'"`]/y

/** Words after which a value begins, and so a `/` begins a regular expression. */
const BEFORE_VALUE = new Set(['return', 'typeof', 'instanceof', 'in', 'of', 'new', 'delete', 'void', 'throw', 'case', 'do', 'else', 'yield', 'await', 'default', 'extends'])
const BEFORE_CONDITION = new Set(['if', 'while', 'for', 'with'])
/** Marks before a `{` that begins a block of statements, not an object. */
const BEFORE_BLOCK = new Set([')', ';', '{', '}', '=>'])
const CLOSES: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

export const opensTemplate = ({ kind, text }: Token): boolean => kind === 'template' && text.endsWith('${')
export const closesTemplate = ({ kind, text }: Token): boolean => kind === 'template' && text.startsWith('}')

interface OpenBracket {
  readonly text: string
  /** Whether a `/` after its partner begins a regular expression. */
  readonly regexAfter: boolean
}

export function tokenize(source: string): Tokens {
  const tokenizer = new Tokenizer(source)
  const ok = tokenizer.run()
  return { ok, code: tokenizer.code, comments: tokenizer.comments }
}

class Tokenizer {
  readonly code: Token[] = []
  readonly comments: Token[] = []
  readonly #source: string
  readonly #open: OpenBracket[] = []
  #at = 0
  #line = 1
  #regexAllowed = true

  constructor(source: string) {
    this.#source = source
  }

  /** True when the whole source makes sense. */
  run(): boolean {
    while (this.#at < this.#source.length) {
      if (!this.#skipSpace() && !this.#takeComment() && !this.#takeTemplate() && !this.#takeValue() && !this.#takeMark()) return false
    }
    return this.#open.length === 0
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0]
  }

  #take(kind: TokenKind, text: string): Token {
    const token = { kind, text, start: this.#at, line: this.#line, endLine: this.#line + countBreaks(text) }
    this.#at += text.length
    this.#line = token.endLine
    return token
  }

  #skipSpace(): boolean {
    const space = this.#match(SPACE)
    if (space === undefined) return false
    this.#at += space.length
    this.#line += countBreaks(space)
    return true
  }

  #takeComment(): boolean {
    const text = this.#match(COMMENT)
    if (text !== undefined) this.comments.push(this.#take('comment', text))
    return text !== undefined
  }

  #takeTemplate(): boolean {
    const char = this.#source[this.#at]
    const resumes = char === '}' && this.#open.at(-1)?.text === '${'
    const text = resumes || char === '`' ? this.#match(TEMPLATE) : undefined
    if (text === undefined) return false
    if (resumes) this.#open.pop()
    this.#regexAllowed = text.endsWith('${')
    if (this.#regexAllowed) this.#open.push({ text: '${', regexAfter: false })
    this.code.push(this.#take('template', text))
    return true
  }

  #takeValue(): boolean {
    for (const [kind, pattern] of VALUES) {
      const text = kind === 'regex' && !this.#regexAllowed ? undefined : this.#match(pattern)
      if (text === undefined) continue
      this.#regexAllowed = kind === 'name' && BEFORE_VALUE.has(text) && !this.#isMember()
      this.code.push(this.#take(kind, text))
      return true
    }
    return false
  }

  /** False for what cannot be read, and for a bracket that closes what is not open. */
  #takeMark(): boolean {
    const text = this.#match(MARK)
    if (text === undefined) return false
    if (text === '(' || text === '[' || text === '{') this.#open.push({ text, regexAfter: this.#isRegexAfter(text) })
    const closed = text in CLOSES ? this.#open.pop() : undefined
    if (text in CLOSES && closed?.text !== CLOSES[text]) return false
    // `x++ / 2`, and `x! / 2` of TypeScript.
    const endsValue = text === '++' || text === '--' || (text === '!' && !this.#regexAllowed)
    this.#regexAllowed = closed ? closed.regexAfter : !endsValue
    this.code.push(this.#take('mark', text))
    return true
  }

  /** Whether the next word is the name of a member, as in `x.of`. */
  #isMember(): boolean {
    const before = this.code.at(-1)?.text
    return before === '.' || before === '?.'
  }

  #isRegexAfter(bracket: string): boolean {
    const before = this.code.at(-1)
    if (bracket === '(') return before?.kind === 'name' && (BEFORE_CONDITION.has(before.text) || this.code.at(-2)?.text === 'for')
    if (bracket === '[') return false
    return before === undefined || (before.kind === 'mark' ? BEFORE_BLOCK.has(before.text) : before.kind === 'name' && before.text !== 'return')
  }
}

const VALUES: readonly (readonly [TokenKind, RegExp])[] = [['string', STRING], ['name', NAME], ['number', NUMBER], ['regex', REGEX]]

function countBreaks(text: string): number {
  let breaks = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) breaks++
  return breaks
}
