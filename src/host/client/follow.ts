import type { Call, GivenInput, Handlers, ShownOutput } from '../../core/client/handler.ts'
import { TroupeError } from '../../core/errors.ts'
import { liveStatuses } from '../../core/store.ts'
import { isSystemMachine } from '../../core/system-machine.ts'
import { FollowedRow, LatestStates } from './followed-row.ts'
import type { ToldStep } from './followed-row.ts'
import { PAGE_ROWS } from './journal-tail.ts'
import type { ClientParts } from './parts.ts'
import { decodeCursor, encodeCursor, noCursor } from './positions.ts'
import type { Place } from './positions.ts'

type StepFilter = Omit<GivenInput<'follow'>, 'from'>
type Item = ShownOutput<'follow'>

/** Characters of the states that one who is behind keeps. */
const BEHIND_CHARS_MAX = 256 << 10
/** Rows, or milliseconds, without anything to tell, after which a cursor says how far it has come. */
const QUIET_ROWS_MAX = 1_000
const QUIET_MS_MAX = 5_000
/** A journal that begins so far on has begun there: a store may number from the time on (see claim.lua of Redis). */
const UNUSED_MIN = 2 ** 32

export const followHandlers = (parts: ClientParts) => ({ follow: ({ from, ...filter }, call) => new Follower(parts, filter, call).follow(from) }) satisfies Partial<Handlers>

/**
 * One who follows the steps of all actors that pass a filter. It is told by the ring of the tail while it keeps up, and reads the
 * journal by itself while it is behind; `#positions` says where it is in either.
 *
 * 1  Nothing is told twice, and nothing left out: a position advances with each row, in the order of its partition.
 * 2  Who was told a step may go on after it, from its cursor, here or at another node.
 * 3  What the journal has lost since is said (`history/trimmed`), and what is damaged, with a cursor after it. At the head a gap is
 *    an actor that was deleted or begun anew in that very moment.
 */
class Follower {
  readonly #parts: ClientParts
  readonly #filter: StepFilter
  readonly #signal: AbortSignal
  #positions: number[] = []
  /** Rows read from the journal, while it is behind. */
  #page: FollowedRow[] = []
  #states: LatestStates | undefined
  /** Number of the next row in the ring. */
  #number = -1
  #failures = 0
  #quietRows = 0
  #toldAt = 0
  /** Whether it stands where the tail stands, so that they share what they tell. */
  #isInStep = false
  #hasLeft = false
  #wake: () => void = () => undefined
  readonly #stop = (): void => {
    this.#hasLeft = true
    this.#wake()
  }

  constructor(parts: ClientParts, filter: StepFilter, { signal }: Call) {
    this.#parts = parts
    this.#filter = filter
    this.#signal = signal
  }

  async *follow(from: string | undefined): AsyncGenerator<Item> {
    const { node, tail } = this.#parts
    const leave = await tail.join()
    // Heard once, and not asked for at each step: signals made of others are slow to answer.
    this.#signal.addEventListener('abort', this.#stop)
    if (this.#signal.aborted) this.#stop()
    try {
      this.#failures = tail.failures
      yield* await this.#begin(from)
      // One generator, and none inside it: each further one would cost every item some microseconds.
      while (this.#isOpen) for (const item of await this.#next()) yield item
    } catch (error) {
      // A runtime that closes takes its store away in the middle of a read.
      if (!node.isClosing) throw error
    } finally {
      this.#signal.removeEventListener('abort', this.#stop)
      this.#parts.tail.forget(this.#wake)
      leave()
    }
  }

  get #isOpen(): boolean {
    return !this.#parts.node.isClosing && !this.#hasLeft
  }

  async #begin(from: string | undefined): Promise<readonly Item[]> {
    const heads = await this.#parts.tail.headsNow()
    const { positions, begun } = from === undefined ? { positions: heads, begun: undefined } : decodeCursor(from, heads.length)
    const isAhead = positions.some((position, partition) => position + (begun?.partition === partition ? 1 : 0) > (heads[partition] ?? 0))
    if (isAhead && from !== undefined) throw noCursor(from, 'it is ahead of the journal, so of another store or of a state that was lost')
    this.#positions = [...positions]
    const start = this.#cursor(begun)
    if (!begun) return [start]
    await this.#readPage(begun.partition, 1)
    return [start, ...(await this.#ofPage(begun.steps))]
  }

  /** What the next row has to tell, once there is one. */
  async #next(): Promise<readonly Item[]> {
    const { tail } = this.#parts
    if (this.#page.length > 0) return this.#ofPage()
    if (this.#number < tail.first) {
      this.#isInStep = false
      const behind = this.#nextBehind()
      if (behind !== undefined) return this.#readPage(behind, PAGE_ROWS)
      this.#states = undefined
      this.#number = tail.first
    }
    if (tail.failures > this.#failures) throw tail.failure
    const row = tail.at(this.#number)
    if (row) {
      this.#number++
      return row.position > this.#at(row.partition) ? this.#tell(row, tail.states) : []
    }
    this.#isInStep ||= tail.heads.every((head, partition) => head === this.#positions[partition])
    await this.#more()
    return []
  }

  #at(partition: number): number {
    return this.#positions[partition] ?? 0
  }

  /** A partition of which the ring does not hold all that is still to be told: that which is furthest behind. */
  #nextBehind(): number | undefined {
    const lags = this.#parts.tail.start.map((position, partition) => position - this.#at(partition))
    const most = Math.max(...lags)
    return most > 0 ? lags.indexOf(most) : undefined
  }

  async #readPage(partition: number, limit: number): Promise<readonly []> {
    const { reader, tail } = this.#parts
    const rows = await reader.store.journal(partition, this.#at(partition), limit)
    if (rows.length === 0) this.#skip(partition, Math.max(tail.start[partition] ?? 0, this.#at(partition) + 1))
    this.#page = rows.map(row => new FollowedRow(this.#parts, partition, row))
    return []
  }

  #ofPage(told = 0): Promise<readonly Item[]> {
    const [row, ...rest] = this.#page as [FollowedRow, ...FollowedRow[]]
    this.#page = rest
    this.#skip(row.partition, row.position - 1)
    return this.#tell(row, (this.#states ??= new LatestStates(this.#parts, BEHIND_CHARS_MAX)), told)
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      this.#parts.tail.onMore(resolve)
    })
  }

  async #tell(row: FollowedRow, states: LatestStates, told = 0): Promise<readonly Item[]> {
    const from = this.#positions
    const steps = this.#concerns(row) ? await row.steps(states).catch((error: unknown) => Promise.reject(this.#unreadable(row, error))) : []
    const items: Item[] = []
    for (const [index, step] of steps.entries()) {
      if (index < told || !this.#passes(step)) continue
      items.push(this.#isInStep ? row.item(steps, index, from) : { type: 'step', step: { ...step, cursor: row.cursorAfter(steps, index, from) } })
    }
    from[row.partition] = row.position
    const now = this.#parts.env.clock.now()
    if (items.length > 0) [this.#quietRows, this.#toldAt] = [0, now]
    else if (++this.#quietRows >= QUIET_ROWS_MAX || now - this.#toldAt > QUIET_MS_MAX) items.push(this.#cursor())
    return items
  }

  #cursor(begun?: Place['begun']): Item {
    this.#quietRows = 0
    this.#toldAt = this.#parts.env.clock.now()
    return { type: 'cursor', cursor: encodeCursor({ positions: this.#positions, begun }) }
  }

  #concerns({ address, machine, run }: FollowedRow): boolean {
    const asked = this.#filter
    const isNamed = asked.machine !== undefined || asked.address !== undefined || asked.run !== undefined
    return (asked.machine ?? machine) === machine && (asked.address ?? address) === address && (asked.run ?? run) === run && (isNamed || !isSystemMachine(machine))
  }

  #passes({ kind, event, status }: ToldStep): boolean {
    const { kinds, events, ended } = this.#filter
    return (kinds?.includes(kind) ?? true) && (events?.includes(event?.type ?? '') ?? true) && (ended !== true || !liveStatuses.includes(status))
  }

  /** What is lost or damaged is so for good: whoever wants to goes on after it. */
  #unreadable({ partition, position, address }: FollowedRow, error: unknown): unknown {
    if (!(error instanceof TroupeError) || error.retryable) return error
    const cursor = encodeCursor({ positions: this.#positions.with(partition, position), begun: undefined })
    return new TroupeError(error.code, error.message, { cause: error, address, details: { ...error.details, cursor } })
  }

  /** Goes on after positions that there never were. Throws `history/trimmed` for those that are gone. */
  #skip(partition: number, to: number): void {
    const at = this.#at(partition)
    if (at === to) return
    const positions = this.#positions.with(partition, to)
    if (at === 0 && to > UNUSED_MIN) return void (this.#positions = positions)
    const cursor = encodeCursor({ positions, begun: undefined })
    throw new TroupeError('history/trimmed', `positions ${at + 1} to ${to} of partition ${partition} are not retained any more; details.cursor goes on after them`, { details: { partition, from: at + 1, to, cursor } })
  }
}
