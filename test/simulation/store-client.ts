import { TroupeError } from 'troupe'
import type { Change, Store, SubscribeScope } from 'troupe'
import type { Scheduler, SimEvent, SimProcess } from './scheduler.ts'
import type { Line } from './sim-network.ts'
import { isConcerned } from './store-server.ts'
import type { StoreConnection, StoreServer } from './store-server.ts'

interface Call {
  readonly messages: SimEvent[]
  fail(why: string): void
}

/** Somebody who wants to hear of changes, and what is on its way to him. */
interface Listener {
  readonly scope: SubscribeScope | undefined
  readonly hear: (change?: Change) => void
  /** Changes whose hint has not arrived yet: another one would say the same. */
  readonly coming: Set<string>
}

export interface StoreClientOptions {
  readonly scheduler: Scheduler
  readonly server: StoreServer
  readonly line: Line
  readonly process: SimProcess
  /** After so many milliseconds without an answer a call has failed. */
  readonly timeoutMs: number
  /** A hint that was lost is made good so many milliseconds later: the connection is made anew, and then anything may have changed. Null for never. */
  readonly hintRepairMs: number | null
  onLate(): void
}

/** The store as one process sees it: over a network, and not at all once it is dead. */
export class StoreClient implements StoreConnection {
  readonly store: Store
  readonly #options: StoreClientOptions
  readonly #calls = new Set<Call>()
  readonly #listeners = new Set<Listener>()
  #repair: SimEvent | undefined

  constructor(options: StoreClientOptions) {
    this.#options = options
    this.store = this.#port(options.server.store)
    options.server.connect(this)
  }

  /** Calls that wait for their answer. */
  get inFlight(): number {
    return this.#calls.size
  }

  /** How many want to hear of changes. */
  get listeners(): number {
    return this.#listeners.size
  }

  close(): void {
    this.#options.server.disconnect(this)
    this.#listeners.clear()
  }

  /** The connection breaks: nothing of what is on the way arrives. */
  reset(): void {
    const { scheduler, process } = this.#options
    for (const call of this.#calls) {
      for (const message of call.messages) scheduler.cancel(message)
      scheduler.after(0, process, 'reset', () => call.fail('the connection was reset'))
    }
    this.#calls.clear()
  }

  hear(audience: Parameters<StoreConnection['hear']>[0], change?: Change): void {
    for (const listener of this.#listeners) if (isConcerned(listener.scope, audience)) this.#hint(listener, change)
  }

  #hint(listener: Listener, change: Change | undefined): void {
    const { process, line } = this.#options
    const name = change === undefined ? 'anything' : change.kind === 'inbox' ? `inbox ${change.partition}` : change.kind
    if (listener.coming.has(name)) return
    const arrive = (): void => {
      listener.coming.delete(name)
      if (this.#listeners.has(listener)) listener.hear(change)
    }
    if (line.hint(process, arrive)) listener.coming.add(name)
    else this.#makeGood()
  }

  #makeGood(): void {
    const { scheduler, process, hintRepairMs } = this.#options
    if (hintRepairMs === null || this.#repair) return
    this.#repair = scheduler.after(hintRepairMs, process, 'reconnect', () => {
      this.#repair = undefined
      for (const listener of this.#listeners) listener.hear()
    })
  }

  #port(shape: Store): Store {
    const verb = (call: string) => (...args: readonly unknown[]) => this.#call(call, args)
    return {
      ...Object.fromEntries(Object.keys(shape).map(name => [name, verb(name)])),
      partitions: shape.partitions,
      subscribe: (hear, scope) => this.#subscribe(hear, scope),
      close: () => Promise.resolve(),
      members: shape.members && { announce: verb('members.announce'), retire: verb('members.retire'), all: verb('members.all') },
    } as Store
  }

  #subscribe(hear: Listener['hear'], scope: SubscribeScope | undefined): () => void {
    const listener: Listener = { scope, hear, coming: new Set() }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    const { scheduler, server, line, process, timeoutMs, onLate } = this.#options
    if (process.state === 'dead') return new Promise(() => undefined)
    return new Promise((resolve, reject) => {
      const deadline = scheduler.now + timeoutMs
      const call: Call = { messages: [], fail: why => reject(new TroupeError('store/failed', `${name}: ${why}`)) }
      this.#calls.add(call)
      const end = (settle: () => void): void => {
        if (this.#calls.delete(call)) settle()
      }
      /** Whoever waits gives up in time, unless the answer is there before. */
      const watch = (message: SimEvent | undefined): void => {
        if (message && message.at <= deadline) return
        if (message) onLate()
        scheduler.at(deadline, process, 'give up', () => end(() => call.fail('no answer in time')))
      }
      const answer = (settle: () => void): void => {
        if (!this.#calls.has(call)) return
        const reply = line.down('reply', process, () => end(settle))
        if (reply) call.messages.push(reply)
        watch(reply)
      }
      const arrive = (): void => {
        if (server.isDown) return answer(() => call.fail('the connection was refused'))
        server.execute(name, args, process).then(
          result => answer(() => resolve(result)),
          (error: unknown) => answer(() => reject(error as Error)),
        )
      }
      call.messages.push(...line.up(name, name === 'commit', arrive))
      watch(call.messages[0])
    })
  }
}
