import type { Health } from 'troupe'
import type { FleetCommand, FleetFact, Operation } from '../fleet-process.ts'
import { startPeer } from '../processes.ts'

type Counters = Health['counters']

/** The process has died, or is too slow: whether it did what it was told is unknown. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

interface Call {
  readonly at: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** One worker process, from outside. */
export class Worker implements AsyncDisposable {
  /** Never that of another one. */
  readonly id: number
  readonly warm: Promise<void>
  readonly ready: Promise<void>
  /** As it told last. */
  counters: Partial<Counters> = {}
  isOpen = false
  readonly #peer
  readonly #calls = new Map<number, Call>()
  #last = 0

  constructor(id: number, args: readonly string[], onTrouble: (code: string | undefined, message: string) => void) {
    const [warm, ready] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.id = id
    this.warm = warm.promise
    this.ready = ready.promise
    this.#peer = startPeer<FleetCommand, FleetFact>('fleet-process.ts', args, (fact) => {
      if (fact.fact === 'warm') warm.resolve()
      else if (fact.fact === 'ready') ready.resolve()
      else if (fact.fact === 'trouble') onTrouble(fact.code, fact.message)
      else this.#hear(fact)
    })
    void this.#peer.ended.then(() => {
      this.isOpen = false
      for (const { reject } of this.#calls.values()) reject(new NoAnswer('the worker has died'))
    })
  }

  async open(store: string): Promise<void> {
    await this.warm
    this.#peer.tell({ do: 'open', store })
    await this.ready
    this.isOpen = true
  }

  /** Resolves when the operation is acknowledged. Rejects when it is refused, and with `NoAnswer`. */
  operate(operation: Operation, patienceMs: number): Promise<void> {
    const call = ++this.#last
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoAnswer('no answer')), patienceMs)
      const end = (settle: () => void) => () => {
        clearTimeout(timer)
        settle()
      }
      this.#calls.set(call, { at: performance.now(), resolve: end(resolve), reject: error => end(() => reject(error))() })
      this.#peer.tell({ do: 'operate', call, operation })
    })
  }

  /** Calls that were made before some time and have no answer yet. */
  pending(before = Infinity): number {
    return [...this.#calls.values()].filter(({ at }) => at < before).length
  }

  freeze(): void {
    this.#peer.signal('SIGSTOP')
  }

  thaw(): void {
    this.#peer.signal('SIGCONT')
  }

  /** Gives back how many calls were in flight: what it could still say is not counted. */
  async kill(): Promise<number> {
    await this.#peer.kill()
    return this.#calls.size
  }

  async close(): Promise<unknown> {
    this.#peer.tell({ do: 'close' })
    return this.#peer.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #hear({ answers, counters }: Extract<FleetFact, { fact: 'answers' }>): void {
    this.counters = counters
    for (const { call, error } of answers) {
      const waiting = this.#calls.get(call)
      this.#calls.delete(call)
      if (error) waiting?.reject(Object.assign(new Error(error.message), { code: error.code }))
      else waiting?.resolve()
    }
  }
}

/** How long so many processes take to start at once. */
export async function startMs(count: number): Promise<number> {
  const began = performance.now()
  const workers = Array.from({ length: count }, (_, id) => new Worker(id, [], () => undefined))
  await Promise.all(workers.map(worker => worker.warm))
  const ms = Math.round(performance.now() - began)
  await Promise.all(workers.map(worker => worker.kill()))
  return ms
}
