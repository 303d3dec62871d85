import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { TroupeError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import { tableLines } from './table.ts'
import type { Column } from './table.ts'
import { Painted, clean, shown } from './text.ts'
import type { Text } from './text.ts'

type Format = Parameters<typeof styleText>[0]
type Stream = NodeJS.WriteStream & Partial<Pick<WriteStream, 'columns' | 'rows'>>

/** What a command writes: results to `stdout`, as text or JSON; all else to `stderr`. */
export class Output {
  readonly json: boolean
  readonly #out: Stream
  readonly #err: Stream

  constructor(json: boolean, out: Stream = process.stdout, err: Stream = process.stderr) {
    this.json = json
    this.#out = out
    this.#err = err
  }

  /** Whether a person looks at it. */
  get isTerminal(): boolean {
    return this.#out.isTTY && !this.json
  }

  /** Of the terminal; without one nothing is cut. */
  get columns(): number {
    return this.#out.isTTY ? (this.#out.columns ?? 80) : Infinity
  }

  get rows(): number {
    return this.#out.rows ?? 24
  }

  /** Colours where the terminal has them; `NO_COLOR` and `FORCE_COLOR` are honoured. */
  paint(format: Format, text: Text): Painted {
    const { text: given, width } = shown(text)
    return new Painted(styleText(format, given, { stream: this.#out }), width)
  }

  /** One line of text, of parts. */
  line(...parts: readonly Text[]): void {
    this.write(`${parts.map(part => shown(part).text).join('')}\n`)
  }

  /** Text of several lines, such as JSON that was laid out. */
  block(text: string, indent = ''): void {
    for (const line of text.split('\n')) this.line(indent, line)
  }

  table<TRow>(rows: readonly TRow[], columns: readonly Column<TRow>[]): void {
    for (const line of tableLines(rows, columns, this.columns, head => this.paint('dim', head))) this.write(`${line}\n`)
  }

  /** The answer as one document. */
  document(value: unknown): void {
    this.write(`${JSON.stringify(value, null, this.#out.isTTY ? 2 : undefined)}\n`)
  }

  /** One of many answers, on a line of its own. */
  item(value: unknown): void {
    this.write(`${JSON.stringify(value)}\n`)
  }

  /** Gives an answer in the form that was asked for. */
  answer(value: unknown, tell: () => void): undefined {
    if (this.json) this.document(value)
    else tell()
  }

  /** Said beside the result. */
  note(...parts: readonly Text[]): void {
    this.#err.write(`${parts.map(part => shown(part).text).join('')}\n`)
  }

  error(error: unknown): void {
    const { code, message, remedy } = about(error)
    if (this.json) this.#err.write(`${JSON.stringify({ error: { code, message, ...(remedy !== undefined && { remedy }) } })}\n`)
    else {
      const red = (text: string): string => styleText('red', text, { stream: this.#err })
      this.#err.write(`${red('troupe:')} ${message.split('\n').map(clean).join('\n        ')}${code === 'internal' ? '' : ` (${clean(code)})`}\n`)
      if (remedy !== undefined) this.#err.write(`        ${clean(remedy)}\n`)
    }
  }

  /** As it stands: only for what was made by this class or is no text from elsewhere. */
  write(text: string): void {
    this.#out.write(text)
  }

  /** Tells how far long work is: a bar on a terminal, now and then a line elsewhere. */
  progress(what: string, total: number): (done: number) => void {
    const isLive = this.#err.isTTY
    let told = -1
    return done => {
      const tenths = total === 0 ? 10 : Math.floor((done / total) * 10)
      if (isLive) this.#err.write(`\r${clean(what)} ${'█'.repeat(tenths)}${'░'.repeat(10 - tenths)} ${done}/${total}${done >= total ? '\n' : ''}`)
      else if (tenths > told) this.#err.write(`${clean(what)} ${done}/${total}\n`)
      told = tenths
    }
  }
}

/** Their remedy is to do as the message says. */
const SELF_EXPLAINED: readonly ErrorCode[] = ['config/invalid', 'request/invalid']

function about(error: unknown): { readonly code: string; readonly message: string; readonly remedy?: string } {
  if (error instanceof TroupeError) return { code: error.code, message: error.message, ...(!SELF_EXPLAINED.includes(error.code) && { remedy: error.remedy }) }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) }
}
