import type { QueueOptions } from 'troupe'
import { WorkerPeer } from './worker-peer.ts'

type Queues = Readonly<Record<string, QueueOptions>>

/** Workers on one store; those that die are replaced, and all go in the end. */
export class WorkerCrew implements AsyncDisposable {
  readonly all: WorkerPeer[] = []
  readonly #store: string
  readonly #queues: Queues

  constructor(store: string, queues: Queues) {
    this.#store = store
    this.#queues = queues
  }

  get alive(): readonly WorkerPeer[] {
    return this.all.filter(worker => worker.isAlive)
  }

  /** Brings up to so many; resolves when all of them serve. */
  async fill(count: number): Promise<void> {
    while (this.alive.length < count) this.all.push(new WorkerPeer(this.#store, this.#queues))
    await Promise.all(this.alive.map(worker => worker.ready()))
  }

  /** Workers that have begun a task, in order. */
  begun(key: string): readonly WorkerPeer[] {
    return this.all.flatMap(worker => worker.began(`default/job/${key}:1`).map(() => worker))
  }

  get overs(): number {
    return this.all.reduce((sum, { tasks }) => sum + tasks.filter(({ fact }) => fact === 'over').length, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.alive.map(worker => worker.kill()))
  }
}
