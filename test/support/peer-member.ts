import type { Health } from 'troupe'
import type { LedgerEvent, Note } from './peer-machines.ts'
import type { PeerCommand, PeerFact } from './peer-process.ts'
import { startPeer } from './processes.ts'

type Refusal = Error & { readonly code: string }
const refusal = (code: string, message: string): Refusal => Object.assign(new Error(message), { code })
/** What passes when the process that was asked goes, or the next takes over. */
export const isPassing = (error: unknown): boolean => ['gone', 'runtime/closed', 'store/failed'].includes((error as Refusal).code)

/** A ledger, as a peer tells of it. */
export interface State {
  readonly seq: number
  readonly value: unknown
  readonly context: { readonly owner: string; readonly notes: readonly Note[]; readonly checks: number }
  readonly reply?: unknown
}

/** A peer process, from outside. */
export class Member implements AsyncDisposable {
  readonly ready: Promise<void>
  isAlive = true
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #watches = new Map<number, (seq: number) => void>()
  readonly #peer
  #calls = 0

  constructor(store: string, leaseTtlMs: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    this.#peer = startPeer<PeerCommand | { readonly watch: number; readonly key: string; readonly from: number }, PeerFact>(
      'peer-process.ts',
      [store, String(leaseTtlMs)],
      fact => (fact.fact === 'ready' ? resolve() : this.#hear(fact)),
    )
    void this.#peer.ended.then(() => this.#gone())
  }

  call<T>(verb: PeerCommand['verb'], ...args: readonly unknown[]): Promise<T> {
    if (!this.isAlive) return Promise.reject(refusal('gone', 'the process has ended'))
    const call = ++this.#calls
    const answer = Promise.withResolvers<unknown>()
    this.#pending.set(call, answer)
    this.#peer.tell({ call, verb, args })
    return answer.promise as Promise<T>
  }

  ask(key: string, event: LedgerEvent, until: unknown = 'processed'): Promise<State> {
    return this.call('ask', key, event, until)
  }

  /** Calls back with each step of an actor above `from`, for as long as the process lives. */
  watch(key: string, from: number, onStep: (seq: number) => void): void {
    this.#watches.set(++this.#calls, onStep)
    this.#peer.tell({ watch: this.#calls, key, from })
  }

  async owned(): Promise<readonly number[]> {
    return (await this.call<Health>('health')).partitions.owned
  }

  freeze(): void {
    this.#peer.signal('SIGSTOP')
  }

  thaw(): void {
    this.#peer.signal('SIGCONT')
  }

  kill(): Promise<void> {
    this.isAlive = false
    return this.#peer.kill()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #hear(fact: Exclude<PeerFact, { fact: 'ready' }>): void {
    if (fact.fact === 'step') return this.#watches.get(fact.call)?.(fact.seq)
    const { call, value, error } = fact
    const answer = this.#pending.get(call)
    this.#pending.delete(call)
    if (error) answer?.reject(refusal(error.code, error.message))
    else answer?.resolve(value)
  }

  #gone(): void {
    this.isAlive = false
    for (const { reject } of this.#pending.values()) reject(refusal('gone', 'the process has ended'))
    this.#pending.clear()
  }
}
