import { createSeededRandom } from '../../../src/testing/seeded-random.ts'
import type { SentEvent } from '../faults/history.ts'
import type { Operation } from '../fleet-process.ts'
import { SAGA_STEPS_MAX } from './fleet-machines.ts'
import type { Job, Saga } from './fleet-machines.ts'

export const ACCOUNTS = 200
export const OPENING_CENTS = 10_000
const CLOCKWORKS = 100
const FOREMEN = 40
const SAGAS_ONE_IN = 5
/** A lane pauses for up to so long: what is left of the processor goes to leases, starts and clean-up. */
const THINK_MS_MAX = 400

/** Carries out an operation; gives back through which worker it was acknowledged. What was not will be tried again. */
export type Carry = (operation: Operation) => Promise<number | undefined>

/**
 * A steady load: lanes of operations, each with one operation under way. The next one of a lane is begun when the last one is
 * acknowledged, so an actor must handle those that came through one worker in their order.
 */
export class Load {
  readonly sent = new Map<string, SentEvent>()
  /** The worker that each event came through, of those that were acknowledged at the first try. */
  readonly through = new Map<string, number>()
  readonly jobs = new Map<string, Job>()
  readonly sagas = new Map<string, Saga>()
  readonly counts = { tries: 0, acked: 0, inFlight: 0 }
  readonly #random
  readonly #carry: Carry
  #lanes: readonly Promise<void>[] = []
  #isOver = false

  constructor(seed: number, carry: Carry) {
    this.#random = createSeededRandom(seed)
    this.#carry = carry
  }

  async begin(): Promise<void> {
    const births = [
      ...Array.from({ length: ACCOUNTS }, (_, n) => ({ op: `open ${n}`, to: `account/${n}`, input: { cents: OPENING_CENTS } })),
      ...Array.from({ length: CLOCKWORKS }, (_, n) => ({ op: `wind ${n}`, to: `clockwork/${n}` })),
      ...Array.from({ length: FOREMEN }, (_, n) => ({ op: `hire ${n}`, to: `foreman/${n}` })),
    ]
    await Promise.all(births.map(birth => this.#insist(birth)))
    this.#lanes = [
      ...this.#many(ACCOUNTS, (lane, n) => this.#transfer(lane, n)),
      ...this.#many(CLOCKWORKS, (lane, n) => this.#arm(lane, n)),
      ...this.#many(FOREMEN, (lane, n) => (this.below(SAGAS_ONE_IN) > 0 ? this.#order(lane, n) : this.#orderSaga(lane, n))),
    ]
  }

  /** No new operations; resolves when all are acknowledged. */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
  }

  below(count: number): number {
    return Math.floor(this.#random.next() * count)
  }

  #many(count: number, make: (lane: number, n: number) => Operation): Promise<void>[] {
    return Array.from({ length: count }, async (_, lane) => {
      for (let n = 1; !this.#isOver; n++) {
        await this.#insist(make(lane, n))
        await new Promise(resolve => setTimeout(resolve, this.below(THINK_MS_MAX)))
      }
    })
  }

  async #insist(operation: Operation): Promise<void> {
    const { op, to, event } = operation
    const sent: SentEvent = { op, to, type: event?.type ?? 'start', keyed: true, tries: 0, acked: false, ...(event?.['cents'] !== undefined && { cents: event['cents'] as number }) }
    if (event) this.sent.set(op, sent)
    this.counts.inFlight++
    while (!sent.acked) {
      sent.tries++
      this.counts.tries++
      const worker = await this.#carry(operation)
      sent.acked = worker !== undefined
      if (worker !== undefined && event && sent.tries === 1) this.through.set(op, worker)
    }
    this.counts.inFlight--
    this.counts.acked++
  }

  #transfer(lane: number, n: number): Operation {
    const to = (lane + 1 + this.below(ACCOUNTS - 1)) % ACCOUNTS
    return { op: `t${lane}-${n}`, to: `account/${lane}`, event: { type: 'TRANSFER', to: String(to), cents: 1 + this.below(500) } }
  }

  /** Every eighth time an earlier timer is taken back, if it has not fired meanwhile. */
  #arm(lane: number, n: number): Operation {
    const to = `clockwork/${lane}`
    if (n % 8 === 0) return { op: `d${lane}-${n}`, to, event: { type: 'DISARM', id: `a${n - 1 - this.below(6)}` } }
    return { op: `a${lane}-${n}`, to, event: { type: 'ARM', n, id: `a${n}`, delay: 5 + this.below(this.below(2_000)) } }
  }

  #order(lane: number, n: number): Operation {
    const job = { name: `j${lane}-${n}`, ms: this.below(30), failures: Math.max(0, this.below(12) - 9) }
    this.jobs.set(job.name, job)
    return { op: job.name, to: `foreman/${lane}`, event: { type: 'WORK', ...job } }
  }

  #orderSaga(lane: number, n: number): Operation {
    const steps = 1 + this.below(SAGA_STEPS_MAX)
    const saga = { name: `s${lane}-${n}`, steps, declined: this.below(2 * steps) }
    this.sagas.set(saga.name, saga)
    return { op: saga.name, to: `foreman/${lane}`, event: { type: 'SAGA', ...saga } }
  }
}
