import { count } from './report.ts'

/** A worker as the terminal shows it. */
export interface WorkerView {
  /** `worker 2` */
  readonly name: string
  readonly pid: number
  /** How it ended; null while it lives. */
  readonly end: string | null
  readonly partitions: number
}

interface Worker extends Omit<WorkerView, 'partitions'> {
  end: string | null
  /** Partitions it had when it ended, until all of them have another owner. */
  orphans: readonly number[]
}

/** Who owns what, from what is heard of it: what has changed comes as lines for people. */
export class Team {
  readonly #workers: Worker[] = []
  /** Process that owns each partition, as last told. */
  #owners: readonly (number | null)[] = []
  #isShared = false

  add(pid: number): void {
    this.#workers.push({ name: `worker ${this.#workers.length + 1}`, pid, end: null, orphans: [] })
  }

  nameOf(pid: number): string {
    return this.#workers.find(worker => worker.pid === pid)?.name ?? 'another process'
  }

  /** A worker has ended, killed by a signal or by itself. */
  ended(pid: number, signal: string | null): string {
    const worker = this.#workers.find(each => each.pid === pid)
    if (!worker) return ''
    worker.end = signal === null ? 'ended' : 'killed'
    worker.orphans = this.#owned(pid)
    const fate = worker.orphans.length === 0 ? 'it owned nothing' : `its ${count(worker.orphans.length, 'partition')} will go to the others`
    return `${worker.name} (pid ${pid}) has ${signal === null ? 'ended' : `been killed (${signal})`}; ${fate}`
  }

  /** Who owns each partition now. */
  see(owners: readonly (number | null)[]): readonly string[] {
    this.#owners = owners
    const taken = this.#workers.filter(({ orphans }) => orphans.length > 0 && orphans.every(partition => this.#isServed(partition)))
    const lines = taken.map(worker => {
      const heirs = Map.groupBy(worker.orphans, partition => this.nameOf(owners[partition] ?? 0))
      worker.orphans = []
      return `${worker.name}'s partitions are now with ${[...heirs].map(([name, partitions]) => `${name} (${partitions.length})`).toSorted().join(' and ')}`
    })
    const living = this.views.filter(({ end }) => end === null)
    if (this.#isShared || living.some(({ partitions }) => partitions === 0) || !owners.every((_, partition) => this.#isServed(partition))) return lines
    this.#isShared = true
    return [...lines, `${count(owners.length, 'partition')}: ${living.map(({ name, pid, partitions }) => `${name} (pid ${pid}) owns ${partitions}`).join(', ')}`]
  }

  get views(): readonly WorkerView[] {
    return this.#workers.map(({ name, pid, end }) => ({ name, pid, end, partitions: end === null ? this.#owned(pid).length : 0 }))
  }

  /** The number of its owner for each partition, `+` for another process, `·` for nobody; in groups of eight. */
  get map(): string {
    const signs = this.#owners.map((pid, partition) => (this.#isServed(partition) ? String(this.#workers.findIndex(worker => worker.pid === pid) + 1 || '+') : '·'))
    return signs.join('').replaceAll(/.{8}(?=.)/g, '$& ')
  }

  #owned(pid: number): readonly number[] {
    return [...this.#owners.keys()].filter(partition => this.#owners[partition] === pid)
  }

  /** Whether a partition has an owner that is not known to have ended. */
  #isServed(partition: number): boolean {
    const pid = this.#owners[partition] ?? null
    return pid !== null && !this.#workers.some(worker => worker.pid === pid && worker.end !== null)
  }
}
