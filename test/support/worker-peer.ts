import type { QueueOptions } from 'troupe'
import { startPeer, waitUntil } from './processes.ts'
import type { Peer } from './processes.ts'
import type { TaskFact } from './queue-machines.ts'
import type { WorkerFact } from './worker-process.ts'

/** A worker in a process of its own, seen from outside. */
export class WorkerPeer implements AsyncDisposable {
  readonly tasks: TaskFact[] = []
  readonly troubles: string[] = []
  readonly #peer: Peer<'close'>
  name = ''
  isClosed = false
  /** Whether its process has not been killed. */
  isAlive = true

  constructor(store: string, queues: Readonly<Record<string, QueueOptions>>) {
    this.#peer = startPeer<'close', WorkerFact>('worker-process.ts', [store, JSON.stringify(queues)], fact => {
      if (fact.fact === 'ready') this.name = fact.name
      else if (fact.fact === 'closed') this.isClosed = true
      else if (fact.fact === 'trouble') this.troubles.push(fact.what)
      else this.tasks.push(fact)
    })
    void this.#peer.ended.then(() => (this.isAlive = false))
  }

  get pid(): number {
    return this.#peer.pid
  }

  /** Resolves once it serves its queues. */
  static async start(store: string, queues: Readonly<Record<string, QueueOptions>>): Promise<WorkerPeer> {
    const worker = new WorkerPeer(store, queues)
    await worker.ready()
    return worker
  }

  ready(): Promise<void> {
    return waitUntil('the worker is ready', () => this.name !== '' || !this.isAlive)
  }

  /** Keys of the jobs whose task has begun here and, as far as it has told, not ended. */
  get open(): readonly string[] {
    const open = new Set<string>()
    for (const { fact, key } of this.tasks) {
      if (fact === 'began') open.add(key)
      else open.delete(key)
    }
    return [...open].map(key => key.slice('default/job/'.length, key.lastIndexOf(':')))
  }

  began(key: string): readonly TaskFact[] {
    return this.tasks.filter(fact => fact.fact === 'began' && fact.key === key)
  }

  async close(): Promise<void> {
    this.#peer.tell('close')
    await waitUntil('the worker is closed', () => this.isClosed)
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
}
