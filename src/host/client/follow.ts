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

export const followHandlers = (parts: ClientParts) => ({ follow: ({ from, ...filter }, call) => new Follower(parts, filter, call).follow(from) }) satisfies Partial<Handlers>

/**
 * One who follows the steps of all actors that pass a filter. It is told by the ring of the tail while it keeps up, and reads the
 * journal by itself while it is behind; `#positions` says where it is in either.
 *
 * 1  Nothing is told twice, and nothing left out: a position advances with each row, in the order of its partition.
 * 2  Who was told a step may go on after it, from its cursor, here or at another node.
 * 3  What the journal has lost since is said (`history/trimmed`), with a cursor after it. At the head a gap is an actor that was
 *    deleted or begun anew in that very moment.
 */
class Follower {
  readonly #parts: ClientParts
  readonly #filter: StepFilter
  readonly #signal: AbortSignal
  #positions: number[] = []
  #states: LatestStates | undefined
  #quietRows = 0
  #toldAt = 0
  /** Whether it stands where the tail stands, so that they share what they tell. */
  #isInStep = false

  constructor(parts: ClientParts, filter: StepFilter, { signal }: Call) {
    this.#parts = parts
    this.#filter = filter
    this.#signal = signal
  }

  async *follow(from: string | undefined): AsyncGenerator<Item> {
    const { node, tail } = this.#parts
    const leave = await tail.join()
    try {
      yield* this.#begin(from)
      while (this.#isOpen) {
        yield* this.#catchUp()
        yield* this.#keepUp()
      }
    } catch (error) {
      // A runtime that closes takes its store away in the middle of a read.
      if (!node.isClosing) throw error
    } finally {
      leave()
    }
  }

  get #isOpen(): boolean {
    return !this.#parts.node.isClosing && !this.#signal.aborted
  }

  async *#begin(from: string | undefined): AsyncGenerator<Item> {
    const heads = await this.#parts.tail.headsNow()
    const { positions, begun } = from === undefined ? { positions: heads, begun: undefined } : decodeCursor(from, heads.length)
    const isAhead = positions.some((position, partition) => position + (begun?.partition === partition ? 1 : 0) > (heads[partition] ?? 0))
    if (isAhead && from !== undefined) throw noCursor(from, 'it is ahead of the journal, so of another store or of a state that was lost')
    this.#positions = [...positions]
    yield this.#cursor(begun)
    if (begun) yield* this.#read(begun.partition, 1, begun.steps)
  }

  /** Reads the journal, a page of each partition in turn, until the rest is in the ring. */
  async *#catchUp(): AsyncGenerator<Item> {
    for (let behind = this.#behind(); behind.length > 0 && this.#isOpen; behind = this.#behind()) {
      this.#isInStep = false
      for (const partition of behind) yield* this.#read(partition, PAGE_ROWS)
    }
    this.#states = undefined
  }

  async *#read(partition: number, limit: number, told = 0): AsyncGenerator<Item> {
    this.#states ??= new LatestStates(this.#parts, BEHIND_CHARS_MAX)
    const { reader, tail } = this.#parts
    const rows = await reader.store.journal(partition, this.#positions[partition] ?? 0, limit)
    if (rows.length === 0) throw this.#trimmed(partition, Math.max(tail.start[partition] ?? 0, (this.#positions[partition] ?? 0) + 1))
    for (const row of rows) {
      if (!this.#isOpen) return
      if (row.position !== (this.#positions[partition] ?? 0) + 1) throw this.#trimmed(partition, row.position - 1)
      yield* this.#tell(new FollowedRow(this.#parts, partition, row), this.#states, told)
    }
  }

  #behind(): readonly number[] {
    const { start } = this.#parts.tail
    return start.flatMap((position, partition) => ((this.#positions[partition] ?? 0) < position ? [partition] : []))
  }

  /** Takes from the ring, until it has gone on without this one. */
  async *#keepUp(): AsyncGenerator<Item> {
    const { tail } = this.#parts
    const { failures } = tail
    for (let number = tail.first; this.#isOpen && number >= tail.first; ) {
      if (tail.failures > failures) throw tail.failure
      const row = tail.at(number)
      if (row) {
        number++
        if (row.position > (this.#positions[row.partition] ?? 0)) yield* this.#tell(row, tail.states)
        continue
      }
      this.#isInStep ||= tail.heads.every((head, partition) => head === this.#positions[partition])
      await this.#more()
    }
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      const forget = this.#parts.tail.onMore(() => {
        this.#signal.removeEventListener('abort', stop)
        resolve()
      })
      const stop = (): void => {
        forget()
        resolve()
      }
      this.#signal.addEventListener('abort', stop, { once: true })
      if (!this.#isOpen) stop()
    })
  }

  async *#tell(row: FollowedRow, states: LatestStates, told = 0): AsyncGenerator<Item> {
    const steps = this.#concerns(row) ? await row.steps(states) : []
    this.#quietRows++
    for (const [index, step] of steps.entries()) {
      if (index < told || !this.#passes(step)) continue
      this.#quietRows = 0
      yield this.#isInStep ? row.item(steps, index, this.#positions) : { type: 'step', step: { ...step, cursor: row.cursorAfter(steps, index, this.#positions) } }
    }
    this.#positions[row.partition] = row.position
    const now = this.#parts.env.clock.now()
    if (this.#quietRows === 0) this.#toldAt = now
    else if (this.#quietRows >= QUIET_ROWS_MAX || now - this.#toldAt > QUIET_MS_MAX) yield this.#cursor()
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

  #trimmed(partition: number, to: number): TroupeError {
    const from = (this.#positions[partition] ?? 0) + 1
    const cursor = encodeCursor({ positions: this.#positions.with(partition, to), begun: undefined })
    return new TroupeError('history/trimmed', `positions ${from} to ${to} of partition ${partition} are not retained any more; details.cursor goes on after them`, { details: { partition, from, to, cursor } })
  }
}
