import { addressOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { TimerHandle } from '../core/clock.ts'
import { TroupeError } from '../core/errors.ts'
import type { Body, Message, Probe, Question } from '../core/message.ts'
import type { HostEnv } from './env.ts'

/** Longest time between two looks, in milliseconds. */
const PROBE_PAUSE_MAX_MS = 60 * 60 * 1000
/** Other waits that one remembers to have let pass; what is forgotten costs messages only. */
const PASSED_MAX = 1_000

/** An attempt of a task whose code may wait for other actors. */
export interface Asker {
  readonly actor: ActorId
  /** The attempt is over: what its code still waits for holds nothing up. */
  readonly ended: boolean
  waits: Set<Wait> | undefined
}

/** A way from an actor back to itself, each waiting for the next. */
export interface Cycle {
  readonly path: readonly ActorId[]
  /** What may still free one of them. */
  readonly hope: string | null
}

export interface WaitParts {
  readonly env: HostEnv
  readonly asker: Asker
  readonly asked: ActorId
  /** Hands a probe to the owner of the asked actor; what becomes of it is not of interest. */
  send(message: Message<Body>): void
  /** Ends the wait with an error. */
  fail(error: TroupeError): void
}

/**
 * The code of a task waits for another actor: for an answer, a state, or the end of it. While it does, probes follow what
 * the actor itself waits for, from owner to owner; one that comes back has found a cycle (K. M. Chandy, J. Misra, L. M. Haas,
 * "Distributed Deadlock Detection", ACM TOCS 1983). They change no state, so a lost one costs time only.
 *
 * Invariants
 * W1  A cycle ends a wait early only when nothing but the next wait can move any actor of it, as far as the host can see.
 * W2  Of the waits of a cycle only the youngest is ended: the others may go on. Probes follow older waits only.
 * W3  The probes of a round pass a wait at most twice, with hope and without: they never multiply.
 */
export class Wait {
  readonly id: string
  readonly asked: ActorId
  readonly since: number
  /** Null when it waits for a state or the end. */
  question: Question | null = null
  readonly #parts: WaitParts
  /** The last round in which probes of other waits have passed, by wait: twice its number, and one more without hope. */
  readonly #passed = new Map<string, number>()
  #round = 0
  #timer: TimerHandle | undefined
  #cycle: Cycle | undefined

  constructor(parts: WaitParts) {
    const { random, clock } = parts.env
    this.#parts = parts
    this.id = random.id()
    this.asked = parts.asked
    this.since = clock.now()
  }

  begin(question: Question | null = null): void {
    const { asker, env } = this.#parts
    this.question = question
    asker.waits = (asker.waits ?? new Set()).add(this)
    this.#probeIn(env.limits.askProbeMs)
  }

  end(): void {
    this.#parts.asker.waits?.delete(this)
    if (this.#timer) this.#parts.env.clock.clearTimer(this.#timer)
  }

  /** Rarer each time: a cycle that has not closed yet may close later. */
  #probeIn(ms: number): void {
    const { asker, env } = this.#parts
    this.#timer = env.clock.setTimer(() => {
      if (asker.ended) return
      this.#probe()
      this.#probeIn(Math.min(2 * ms, PROBE_PAUSE_MAX_MS))
    }, ms)
  }

  #probe(): void {
    const { env, asker, send } = this.#parts
    this.#cycle = undefined
    const id = env.nextMessageId()
    const probe: Probe = { wait: this.id, since: this.since, round: ++this.#round, path: [asker.actor], question: this.question, hope: null }
    send({ id, to: this.asked, from: asker.actor, at: env.clock.now(), body: { kind: 'probe', probe }, correlation: id, causation: null })
  }

  /** Whether a probe goes on along this wait: it is older, and none of the round has passed that said as much. */
  lets({ wait, since, round, hope }: Probe): boolean {
    // Ids decide where clocks do not.
    const isOlder = this.since === since ? this.id < wait : this.since < since
    const pass = 2 * round + (hope === null ? 1 : 0)
    if (!isOlder || pass <= (this.#passed.get(wait) ?? 0)) return false
    if (this.#passed.size >= PASSED_MAX) this.#passed.clear()
    this.#passed.set(wait, pass)
    return true
  }

  /** What the last probe that came back has found. */
  get cycle(): Cycle | undefined {
    return this.#cycle
  }

  /** A probe of this wait has come back. */
  close(cycle: Cycle): void {
    const { asker, fail } = this.#parts
    this.#cycle = cycle
    if (cycle.hope !== null || asker.ended) return
    const address = addressOf(this.asked)
    const way = cycle.path.map(addressOf)
    fail(new TroupeError('ask/deadlock', `${addressOf(asker.actor)} waits for ${address} in a cycle that nothing else can end: ${way.join(' → ')}`, { address, details: { cycle: way } }))
  }
}

/** The error of a wait whose time is over. It names a cycle that might still have ended by itself. */
export function timeoutError(address: string, timeoutMs: number, cycle?: Cycle): TroupeError {
  const message = `${address} did not answer within ${timeoutMs} ms`
  if (!cycle) return new TroupeError('ask/timeout', message, { address, details: { timeoutMs } })
  const way = cycle.path.map(addressOf)
  return new TroupeError('ask/timeout', `${message}; they wait for each other: ${way.join(' → ')}, though ${cycle.hope}`, { address, details: { timeoutMs, cycle: way } })
}
