import type { HandleParts } from '../handle.ts'
import { FollowedRow, LatestStates } from './followed-row.ts'

/** Rows read at once. */
export const PAGE_ROWS = 100
/** Rows kept for those who follow at the head, and characters of them. */
const RING_ROWS_MAX = 1_000
const RING_CHARS_MAX = 8 << 20
/** Characters of the states that next steps apply to. */
const STATES_CHARS_MAX = 32 << 20

/**
 * The newest rows of all journals, read once for all who follow at the head. Reads while somebody does.
 *
 * 1  Rows stand in the ring in the order in which they were read, those of a partition by position.
 * 2  `start` and `heads` are the places before the first and after the last row of the ring. Who has been told up to
 *    `start` in every partition finds everything else in the ring.
 */
export class JournalTail {
  readonly #parts: HandleParts
  readonly states: LatestStates
  readonly #rows: FollowedRow[] = []
  /** Number of the first row in the ring. */
  #first = 0
  #chars = 0
  #start: number[] = []
  #heads: number[] = []
  readonly #dirty = new Set<number>()
  #isReading = false
  readonly #waiting = new Set<() => void>()
  #failures = 0
  #failure: unknown
  #followers = 0
  #opening: Promise<void> | undefined
  #stop: () => void = () => undefined

  constructor(parts: HandleParts) {
    this.#parts = parts
    this.states = new LatestStates(parts, STATES_CHARS_MAX)
  }

  get start(): readonly number[] {
    return this.#start
  }

  get heads(): readonly number[] {
    return this.#heads
  }

  get first(): number {
    return this.#first
  }

  /** Reads that have failed so far: who follows is told of a new one. */
  get failures(): number {
    return this.#failures
  }

  get failure(): unknown {
    return this.#failure
  }

  /** Begins to read with the first who joins; gives how to leave. */
  async join(): Promise<() => void> {
    this.#followers++
    try {
      await (this.#opening ??= this.#open())
    } catch (error) {
      this.#leave()
      throw error
    }
    // What could not be read before.
    if (this.#dirty.size > 0 && !this.#isReading) void this.#read()
    return () => this.#leave()
  }

  /** The heads of all partitions, as the store has them now. */
  headsNow(): Promise<number[]> {
    const { store } = this.#parts.reader
    return Promise.all(Array.from({ length: store.partitions }, (_, partition) => store.journalHead(partition)))
  }

  /** Undefined for a row that has not been read yet. */
  at(number: number): FollowedRow | undefined {
    return this.#rows[number - this.#first]
  }

  /** Calls back once when there is something new. */
  onMore(listener: () => void): void {
    this.#waiting.add(listener)
  }

  forget(listener: () => void): void {
    this.#waiting.delete(listener)
  }

  async #open(): Promise<void> {
    const stop = this.#parts.node.onCommit(partition => this.#hear(partition))
    this.#stop = stop
    const heads = await this.headsNow()
    // All may have left meanwhile, and others have opened it again.
    if (this.#stop !== stop) return
    this.#heads = heads
    this.#start = [...heads]
  }

  #leave(): void {
    if (--this.#followers > 0) return
    this.#stop()
    this.#opening = undefined
    this.#dirty.clear()
    this.#first += this.#rows.length
    this.#rows.length = 0
    this.#chars = 0
  }

  #hear(partition: number): void {
    if (this.#parts.node.isClosing) return this.#wake()
    this.#dirty.add(partition)
    if (!this.#isReading) void this.#read()
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      // A set that is added to while it is walked through gives what was added too.
      for (const partition of this.#dirty) await this.#readPage(partition)
    } catch (error) {
      this.#failures++
      this.#failure = error
      this.#wake()
    }
    this.#isReading = false
  }

  async #readPage(partition: number): Promise<void> {
    const opening = this.#opening
    await opening
    this.#dirty.delete(partition)
    const rows = await this.#parts.reader.store.journal(partition, this.#heads[partition] ?? 0, PAGE_ROWS).catch((error: unknown) => {
      this.#dirty.add(partition)
      throw error
    })
    // Everybody has left meanwhile; those who have come since begin at other heads.
    if (this.#opening !== opening) return void (this.#opening && this.#dirty.add(partition))
    for (const row of rows) this.#add(new FollowedRow(this.#parts, partition, row))
    if (rows.length === PAGE_ROWS) this.#dirty.add(partition)
    if (rows.length > 0) this.#wake()
  }

  #add(row: FollowedRow): void {
    this.#rows.push(row)
    this.#heads[row.partition] = row.position
    this.#chars += row.chars
    while (this.#rows.length > RING_ROWS_MAX || (this.#chars > RING_CHARS_MAX && this.#rows.length > 1)) {
      const gone = this.#rows.shift() as FollowedRow
      this.#start[gone.partition] = gone.position
      this.#chars -= gone.chars
      this.#first++
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const listener of waiting) listener()
  }
}
