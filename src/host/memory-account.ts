import type { ActorId } from '../core/address.ts'
import { addressOf } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import type { Limits } from '../core/limits.ts'
import type { Work } from './work.ts'

/**
 * What an actor in memory takes: so much for its XState actor and the engine's own parts, and so much per character of its checkpoint.
 * Heap measured over 4,000 actors each, Node 24: 6.7 KB with an empty context; beyond that, per character of context, 1.2 bytes where
 * it is text or numbers and 2.0 where it is lists of small objects. Input that the context shares is in the checkpoint twice.
 */
const ACTOR_BYTES = 6_200
const BYTES_PER_CHARACTER = 1.25
/** What a work that waits takes beside the text of its event: envelope, lane, and the promise of who waits [measured: 660 to 750]. */
const WORK_BYTES = 700

export const actorBytes = (characters: number): number => ACTOR_BYTES + BYTES_PER_CHARACTER * characters

/** Of results of tasks the size is not known; `tasksMax` bounds how many there can be. */
export function workBytes({ message: { body } }: Work): number {
  if (body.kind === 'event') return WORK_BYTES + body.event.length
  if (body.kind === 'start' || body.kind === 'spawn') return WORK_BYTES + body.input.length
  return WORK_BYTES
}

/**
 * How much a node holds in memory, approximately: the heap of its actors and of work that waits. Its partitions keep it.
 *
 * Invariants
 * M1  `actors` is the sum over the slots of all partitions, `works` over all work handed in here that is not done.
 * M2  `stuck` is what should have gone to rest and could not, because something runs beside it, when it was last tried.
 * M3  Only what comes from outside is refused: what runs already goes on, and makes room as it ends.
 */
export class MemoryAccount {
  actors = 0
  works = 0
  stuck = 0
  readonly #bytesMax: number
  readonly #partitions: number

  /** `partitions`: among how many the limit is shared out. */
  constructor({ nodeBytesMax }: Pick<Limits, 'nodeBytesMax'>, partitions: number) {
    this.#bytesMax = nodeBytesMax
    this.#partitions = partitions
  }

  get bytes(): number {
    return this.actors + this.works
  }

  get isOver(): boolean {
    return this.bytes > this.#bytesMax
  }

  /** Whether nothing more is taken from outside. */
  get isBusy(): boolean {
    return this.works > this.#bytesMax || (this.stuck > 0 && this.isOver)
  }

  /** How many bytes a partition whose actors take `held` should let go. One that holds no more than its share of what the work leaves is let be. */
  excessOf(held: number): number {
    return Math.min(this.bytes - this.#bytesMax, held - Math.max(0, this.#bytesMax - this.works) / this.#partitions)
  }

  refusal(to: ActorId): TroupeError {
    return new TroupeError('node/busy', `${addressOf(to)}: ${this.describe()}: send again when work is done, raise the limit, or add a node`, { address: addressOf(to), details: { bytes: this.bytes, limit: this.#bytesMax } })
  }

  describe(): string {
    return `this node holds ${Math.round(this.bytes)} bytes, ${Math.round(this.works)} of them work that waits, the limit nodeBytesMax is ${this.#bytesMax}`
  }
}
