import type { AnyActorLogic } from 'xstate'
import type { ActorId } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { JournalEntry } from '../core/journal.ts'
import type { Notice } from './env.ts'
import type { HandleParts } from './handle.ts'
import type { ReadStep } from './reader.ts'
import type { ActorSnapshot } from './snapshot.ts'

export interface WatchOptions {
  /** Sequence after which to begin: 0 for the whole history. Default: the present. */
  readonly from?: number
  /** Also yield the progress of running tasks, as it comes; it is not kept, so a slow reader may miss some. */
  readonly progress?: boolean
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

/** One committed step and the state after it. */
export interface WatchedStep<TLogic extends AnyActorLogic = AnyActorLogic> extends JournalEntry {
  readonly snapshot: ActorSnapshot<TLogic>
}

export interface WatchedProgress extends Notice {
  readonly kind: 'progress'
}

/** Progress kept for a reader that is behind; older ones give way. */
const PROGRESS_MAX = 1_000

/** The steps of one actor as an async iterable, fed by the journal; see `ActorHandle.watch`. */
export class Watch<TItem extends WatchedStep | WatchedProgress = WatchedStep> implements AsyncIterable<TItem> {
  readonly #parts: HandleParts
  readonly #id: ActorId
  readonly #options: WatchOptions
  readonly #progress: WatchedProgress[] = []
  #fresh = true
  #wake: () => void = () => undefined

  /** @internal */
  constructor(parts: HandleParts, id: ActorId, options: WatchOptions) {
    this.#parts = parts
    this.#id = id
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TItem> {
    for await (const item of this.read()) {
      if ('kind' in item) yield item as TItem
      else yield { ...item.entry, snapshot: this.#parts.reader.present(this.#id, item.document, item.entry.seq) } as WatchedStep as TItem
    }
  }

  /** @internal The same, with the whole state after each step. */
  async *read(): AsyncGenerator<ReadStep | WatchedProgress> {
    const { node } = this.#parts
    const { signal } = this.#options
    const forget = node.onChange(this.#id, notice => this.#hear(notice))
    const abort = (): void => this.#wake()
    signal?.addEventListener('abort', abort)
    try {
      yield* this.#follow()
    } catch (error) {
      // A runtime that closes takes its store away in the middle of a read: the watch ends, it has not failed.
      if (!node.isClosing) throw error
    } finally {
      forget()
      signal?.removeEventListener('abort', abort)
    }
  }

  #hear(notice: Notice | undefined): void {
    if (!notice) this.#fresh = true
    else if (this.#options.progress) {
      this.#progress.push({ kind: 'progress', ...notice })
      if (this.#progress.length > PROGRESS_MAX) this.#progress.shift()
    }
    this.#wake()
  }

  get #isOpen(): boolean {
    return !this.#parts.node.isClosing && !this.#options.signal?.aborted
  }

  async *#follow(): AsyncGenerator<ReadStep | WatchedProgress> {
    const { reader } = this.#parts
    const first = await reader.snapshot(this.#id)
    const from = this.#options.from ?? first.seq
    if (!Number.isInteger(from) || from < 0 || from > first.seq) {
      throw new TroupeError('config/invalid', `${first.address} has steps 1 to ${first.seq}: none can follow ${from}`, { address: first.address })
    }
    const cursor = reader.follow(this.#id, from)
    let status = from >= first.seq ? first.status : 'active'
    while (this.#isOpen) {
      while (this.#progress.length > 0) yield this.#progress.shift() as WatchedProgress
      if (this.#fresh) {
        this.#fresh = false
        for await (const step of cursor.read()) {
          status = step.document.status
          yield step
        }
      }
      if (isOver(status)) return
      if (!this.#fresh && this.#progress.length === 0 && this.#isOpen) await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }
}

const isOver = (status: ActorSnapshot['status']): boolean => status === 'done' || status === 'stopped' || status === 'cancelled' || status === 'failed'
