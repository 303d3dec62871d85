import { Cut } from './stream.ts'
import type { Message } from './stream.ts'

/** What may wait for a reader that is behind: then the stream is given up, and asked for again from where the reader is. */
const WAITING_MAX = 1_000
const WAITING_CHARS_MAX = 8 << 20

/** What has come for one stream and was not read yet. */
export class Feed {
  readonly #waiting: { readonly message: Message; readonly chars: number }[] = []
  #chars = 0
  #end: { readonly error: unknown } | undefined
  #wake: () => void = () => undefined

  get isOver(): boolean {
    return this.#end !== undefined
  }

  /** `chars`: how long it was on the wire. */
  put(message: Message, chars: number): void {
    if (this.#end) return
    this.#chars += chars
    this.#waiting.push({ message, chars })
    if (this.#waiting.length > WAITING_MAX || (this.#chars > WAITING_CHARS_MAX && this.#waiting.length > 1)) this.end(new Cut(true))
    this.#wake()
  }

  /** Ends the stream once all that waits has been read: with an error, or without. */
  end(error?: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  async *read(): AsyncGenerator<Message> {
    while (true) {
      for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
        this.#chars -= next.chars
        yield next.message
      }
      if (this.#end?.error !== undefined) throw this.#end.error
      if (this.#end) return
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }
}
