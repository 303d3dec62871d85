import { TroupeError } from 'troupe'
import type { ActorHandle, Runtime } from 'troupe'
import type { SentEvent } from '../support/faults/history.ts'
import { FAULTS_MS } from './plan.ts'
import type { drawer } from './plan.ts'

/** What a client needs of the world: a way to some process that may not answer, and time. */
export interface ClientPorts {
  /** One try at one process. Rejects with `Unreachable` when no answer comes. */
  attempt<T>(client: string, what: string, ask: (runtime: Runtime) => Promise<T>): Promise<T>
  sleep(ms: number): Promise<void>
  readonly now: number
  /** How many writes the store has. */
  readonly writes: number
  /** How often the store has lost what it had acknowledged. */
  readonly losses: number
  readonly draw: ReturnType<typeof drawer>
  readonly sent: Map<string, SimSentEvent>
  readonly waiting: Set<string>
  /** Operations that were done, given up, and tries in all. */
  readonly done: { operations: number; givenUp: number; tries: number }
  complain(what: string): void
}

export interface SimSentEvent extends SentEvent {
  /** How many writes the store had when the client heard that this is durable. */
  ackedAfter?: number
  /** The client, which sends one thing after the other, and the process it went through, when one try was enough. */
  readonly client: string
  via?: Runtime
}

export interface SimEventObject {
  readonly type: string
  readonly [key: string]: unknown
}

/** No answer: the process has died, or the message or its answer is lost. What was asked may have been done. */
export class Unreachable extends Error {}

const THINK_SHARE = 0.4
const PAUSE_MIN_MS = 20
const PAUSE_MAX_MS = 400
/** Time that a client gives the actor to answer, in milliseconds. */
const ASK_MS = 3_000

export interface SendOptions {
  /** Every try under the same idempotency key. Default true. */
  readonly isKeyed?: boolean
  /** Waits until it is processed, and not only durable. */
  readonly asks?: boolean
  /** Gives up after so many tries. */
  readonly triesMax?: number
}

/** Somebody outside of all processes: does one thing after the other, each again and again until it is done. */
export class Client {
  readonly #ports: ClientPorts
  readonly #name: string
  #operations = 0

  constructor(ports: ClientPorts, name: string) {
    this.#ports = ports
    this.#name = name
  }

  get now(): number {
    return this.#ports.now
  }

  get draw(): ReturnType<typeof drawer> {
    return this.#ports.draw
  }

  /** Time to think between one of so many rounds and the next: mostly none, and such that all together take as long as faults strike. */
  async think(rounds: number): Promise<void> {
    if (this.draw.chance(THINK_SHARE)) await this.#ports.sleep(this.draw.from(0, (2 * FAULTS_MS) / THINK_SHARE / rounds))
  }

  complain(what: string): void {
    this.#ports.complain(what)
  }

  /** A name for the next operation, which nothing else has. */
  nextOperation(): string {
    return `${this.#name}${++this.#operations}`
  }

  async start(address: string, input?: unknown): Promise<void> {
    await this.insist(`start ${address}`, runtime => runtime.at(address).start(input as never))
  }

  /** Starts an actor and waits for what comes of it; one that the store has lost is started again. */
  result(address: string, input?: unknown): Promise<unknown> {
    return this.insist(`result of ${address}`, async runtime => {
      const actor = runtime.at(address)
      await actor.start(input as never)
      return actor.result().catch((error: unknown) => {
        throw this.#ports.losses > 0 && (error as { code?: string }).code === 'actor/unknown' ? new Unreachable('the store has lost the actor') : error
      })
    })
  }

  /** False when it was given up: nobody knows whether it will take effect. */
  async send(address: string, event: SimEventObject, { isKeyed = true, asks = false, triesMax = Infinity }: SendOptions = {}): Promise<boolean> {
    const op = this.nextOperation()
    const sent: SimSentEvent = { op, to: address, type: event.type, keyed: isKeyed, tries: 0, acked: false, client: this.#name }
    this.#ports.sent.set(op, sent)
    const options = isKeyed ? { idempotencyKey: op } : {}
    const send = (actor: ActorHandle): Promise<unknown> => (asks ? actor.ask({ ...event, op }, { ...options, timeout: ASK_MS }) : actor.send({ ...event, op }, options))
    const { losses } = this.#ports
    const answer = await this.insist(
      `${event.type} ${op}`,
      async (runtime, attempt) => {
        sent.tries++
        await send(runtime.at(address))
        return { runtime, attempt }
      },
      triesMax,
    )
    if (!answer) return false
    if (answer.attempt === 1) sent.via = answer.runtime
    sent.ackedAfter = this.#ports.writes
    // What was accepted before the store lost its tail may be in it, though the client heard of it only now.
    sent.acked = losses === this.#ports.losses
    return true
  }

  /** Tries until it is done. Undefined when it was given up after so many tries. */
  async insist<T>(what: string, ask: (runtime: Runtime, attempt: number) => Promise<T>, triesMax = Infinity): Promise<T | undefined> {
    const { waiting, done } = this.#ports
    const label = `${this.#name}: ${what}`
    waiting.add(label)
    for (let tries = 1; ; tries++) {
      try {
        done.tries++
        const answer = await this.#ports.attempt(this.#name, what, runtime => ask(runtime, tries))
        waiting.delete(label)
        done.operations++
        return answer
      } catch (error) {
        if (!isRetryable(error)) throw new Error(`${label} was refused: ${String(error)}`, { cause: error })
        if (tries >= triesMax) {
          waiting.delete(label)
          done.givenUp++
          return undefined
        }
        await this.#ports.sleep(this.draw.from(PAUSE_MIN_MS, PAUSE_MAX_MS))
      }
    }
  }
}

export const isRetryable = (error: unknown): boolean => error instanceof Unreachable || (error instanceof TroupeError && error.retryable)
