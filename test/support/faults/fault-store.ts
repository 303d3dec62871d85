import { TroupeError } from 'troupe'
import type { Commit, Lease, Store } from 'troupe'
import type { CommitFacts } from './history.ts'

/** Verbs that answer with a promise: each call is a place where a process may die, or hear of a failure. */
export type Verb = { [K in keyof Store]-?: Store[K] extends (...args: never[]) => Promise<unknown> ? K : never }[keyof Store]

/** What happens at one call of a store, counted from the start of the process that makes it. */
export interface CallFault {
  readonly call: number
  readonly when: 'before' | 'after'
  /** The process dies, it is told `store/failed`, or nothing comes back until it is thawed. */
  readonly then: 'die' | 'refuse' | 'freeze'
  /** How many calls in a row are refused. Default 1. */
  readonly times?: number
}

export interface FaultStoreHooks {
  /** Hears of each fault as it strikes. */
  struck(): void
  /** Hears that the process was killed. */
  die(): void
  /** The process is cut off from the store: resolves when it may go on. */
  freeze(): Promise<void>
  /** Turns of the event loop that a call takes before and after its effect; none by default. */
  delay?(): number
}

/**
 * A store that fails on purpose, around one that does not. It also writes down each commit that took effect,
 * with the lease its sender believed in.
 */
export class FaultStore {
  readonly store: Store
  /** Names of the calls since the last `arm`. */
  calls: Verb[] = []
  #turn: Promise<void> = Promise.resolve()
  #fault: CallFault | undefined
  #kill: () => void = () => undefined
  #thaw: Promise<void> | undefined
  #struck = false
  #life = 0
  readonly #hooks: FaultStoreHooks
  readonly #commits: CommitFacts[]

  constructor(inner: Store, hooks: FaultStoreHooks, commits: CommitFacts[]) {
    this.#commits = commits
    this.#hooks = hooks
    this.store = new Proxy(inner, {
      get: (target, name: Verb) => {
        const verb: unknown = Reflect.get(target, name, target)
        if (typeof verb !== 'function') return verb
        if (name === ('subscribe' as string) || name === 'close') return verb.bind(target) as unknown
        return (...args: unknown[]) => this.#call(name, () => (verb as (...args: unknown[]) => Promise<unknown>).apply(target, args), args)
      },
    })
  }

  /** Begins to count anew, for a process that has just begun. */
  arm(fault: CallFault | undefined, kill: () => void): void {
    this.calls = []
    this.#fault = fault
    this.#kill = kill
    this.#struck = false
    this.#life++
  }

  async #call(verb: Verb, run: () => Promise<unknown>, args: readonly unknown[]): Promise<unknown> {
    const { delay } = this.#hooks
    const life = this.#life
    const planned = this.#faultOf(this.calls.push(verb))
    /** What a process has sent before it died still arrives, but nothing befalls it any more. */
    const fault = (when: CallFault['when']): CallFault | undefined => (planned?.when === when && life === this.#life ? planned : undefined)
    if (delay) await this.#inTurn(delay())
    await this.#strike(fault('before'), verb)
    if (this.#thaw) await this.#thaw
    const result = await run()
    if (verb === 'commit') this.#note(...(args as [Lease, Commit]))
    await this.#strike(fault('after'), verb)
    if (delay) await turns(delay())
    return result
  }

  #faultOf(call: number): CallFault | undefined {
    const fault = this.#fault
    return fault && call >= fault.call && call < fault.call + (fault.times ?? 1) ? fault : undefined
  }

  async #strike(fault: CallFault | undefined, verb: Verb): Promise<void> {
    if (!fault) return
    const { then, when } = fault
    if (!this.#struck) this.#hooks.struck()
    this.#struck = true
    switch (then) {
      case 'die':
        this.#kill()
        this.#hooks.die()
        return new Promise(() => undefined)
      case 'refuse':
        throw new TroupeError('store/failed', `${verb} failed ${when} it took effect, on purpose`)
      case 'freeze':
        this.#thaw = this.#hooks.freeze()
        return this.#thaw
    }
  }

  /** Calls take effect in the order they were made, however long each is on its way. */
  #inTurn(count: number): Promise<void> {
    this.#turn = this.#turn.then(() => turns(count))
    return this.#turn
  }

  #note({ partition, epoch, token }: Lease, { id, seq, deadLetters, resolved }: Commit): void {
    this.#commits.push({ id, partition, epoch, token, seq, letters: deadLetters, resolved })
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>(resolve => setImmediate(resolve))
}
