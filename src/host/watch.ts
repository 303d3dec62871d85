import type { AnyActorLogic } from 'xstate'
import type { ActorId } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { JournalEntry } from '../core/journal.ts'
import type { Notice } from './env.ts'
import type { HandleParts } from './handle.ts'
import type { ActorSnapshot } from './snapshot.ts'

export interface WatchOptions {
  /** Sequence after which to begin: 0 for the whole history. Default: the present. */
  readonly from?: number
  /** Also yield the progress of running tasks, as it comes; it is not kept, so a slow reader may miss some. */
  readonly progress?: boolean
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
export class Watch<TLogic extends AnyActorLogic = AnyActorLogic> implements AsyncIterable<WatchedStep<TLogic> | WatchedProgress> {
  readonly #parts: HandleParts
  readonly #id: ActorId
  readonly #options: WatchOptions

  constructor(parts: HandleParts, id: ActorId, options: WatchOptions) {
    this.#parts = parts
    this.#id = id
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchedStep<TLogic> | WatchedProgress> {
    const { node, reader } = this.#parts
    const progress: WatchedProgress[] = []
    let wake: () => void = () => undefined
    let fresh = true
    const stop = node.onChange(this.#id, notice => {
      if (!notice) fresh = true
      else if (this.#options.progress) {
        progress.push({ kind: 'progress', ...notice })
        if (progress.length > PROGRESS_MAX) progress.shift()
      }
      wake()
    })
    try {
      const first = await reader.snapshot(this.#id)
      let seq = this.#options.from ?? first.seq
      if (!Number.isInteger(seq) || seq < 0 || seq > first.seq) throw new TroupeError('config/invalid', `${first.address} has steps 1 to ${first.seq}: none can follow ${seq}`, { address: first.address })
      let status = seq >= first.seq ? first.status : 'active'
      while (!node.isClosing) {
        while (progress.length > 0) yield progress.shift() as WatchedProgress
        if (fresh) {
          fresh = false
          for await (const { entry, snapshot } of reader.states(this.#id, seq)) {
            seq = entry.seq
            status = snapshot.status
            yield { ...entry, snapshot: snapshot as ActorSnapshot<TLogic> }
          }
        }
        if (isOver(status)) return
        if (!fresh && progress.length === 0) await new Promise<void>(resolve => (wake = resolve))
      }
    } finally {
      stop()
    }
  }
}

const isOver = (status: ActorSnapshot['status']): boolean => status === 'done' || status === 'stopped' || status === 'cancelled' || status === 'failed'
