import type { Random, Runtime } from 'troupe'
import { Client, Unreachable } from './client.ts'
import type { SimSentEvent } from './client.ts'
import { drawer } from './plan.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimNode } from './sim-node.ts'
import type { StoreServer } from './store-server.ts'
import type { Tally } from './tally.ts'

/** A client waits for an answer so long, in milliseconds. */
const PATIENCE_MS = 4_000
/** Share of requests that go to the same machine as the one before. */
const LOYALTY = 0.6

export interface CrowdOptions {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly server: StoreServer
  readonly nodes: readonly SimNode[]
  readonly tally: Tally
  /** Mean of a message's time one way, in milliseconds. */
  readonly delayMs: number
  complain(what: string): void
}

/** All clients of a world, and what they have done so far. They are outside of all processes, and nothing befalls them. */
export class Crowd {
  readonly sent = new Map<string, SimSentEvent>()
  /** Operations that are under way. */
  readonly waiting = new Set<string>()
  readonly done = { operations: 0, givenUp: 0, tries: 0 }
  /** How often the store has lost what it had acknowledged. */
  losses = 0
  readonly #options: CrowdOptions
  /** Share of the answers of each machine that get lost. */
  readonly #lostAnswers: number[]
  /** The machine that a client has spoken to last. */
  readonly #chosen = new Map<string, number>()

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#lostAnswers = options.nodes.map(() => 0)
  }

  hire(name: string): Client {
    const { scheduler, server, random, complain } = this.#options
    const losses = (): number => this.losses
    const { sent, waiting, done } = this
    return new Client(
      {
        attempt: (client, what, ask) => this.#attempt(client, what, ask),
        sleep: ms => new Promise(resolve => scheduler.after(ms, undefined, 'sleep', resolve)),
        get now() {
          return scheduler.now
        },
        get writes() {
          return server.log.count
        },
        get losses() {
          return losses()
        },
        draw: drawer(random),
        sent,
        waiting,
        done,
        complain,
      },
      name,
    )
  }

  loseAnswers(node: number, share: number): void {
    this.#lostAnswers[node] = share
  }

  /** The store has only its first writes left: what was acknowledged by the others is not promised any more. */
  forgetLost(kept: number): void {
    this.losses++
    for (const sent of this.sent.values()) if ((sent.ackedAfter ?? 0) > kept) sent.acked = false
  }

  #attempt<T>(client: string, what: string, ask: (runtime: Runtime) => Promise<T>): Promise<T> {
    const { scheduler, random, delayMs, nodes } = this.#options
    const delay = (): number => random.next() * 2 * delayMs
    const index = this.#choose(client)
    return new Promise((resolve, reject) => {
      const timeout = scheduler.after(PATIENCE_MS, undefined, 'patience', () => reject(new Unreachable('no answer in time')))
      const end = (settle: () => void): void => {
        if (this.#isLost(index)) return
        scheduler.cancel(timeout)
        settle()
      }
      nodes[index]?.ask(what.slice(0, what.indexOf(' ')), delay, ask, { resolve: value => end(() => resolve(value)), reject: error => end(() => reject(error as Error)) })
    })
  }

  #choose(client: string): number {
    const { random, nodes } = this.#options
    const former = this.#chosen.get(client)
    const index = former !== undefined && random.next() < LOYALTY ? former : Math.floor(random.next() * nodes.length)
    this.#chosen.set(client, index)
    return index
  }

  #isLost(node: number): boolean {
    const share = this.#lostAnswers[node] ?? 0
    if (share === 0 || this.#options.random.next() >= share) return false
    this.#options.tally.count('answer lost')
    return true
  }
}
