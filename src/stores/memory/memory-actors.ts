import type { ActorId } from '../../core/address.ts'
import { addressOf, parseActorId } from '../../core/address.ts'
import { TroupeError, assertInvariant } from '../../core/errors.ts'
import { liveStatuses } from '../../core/store.ts'
import type { ActorConditions, ActorFilter, ActorOrder, ActorPage, ActorRecord, ActorTally, ActorWrite, JournalRow, StoredActor } from '../../core/store.ts'
import { Tally } from '../../core/tally.ts'
import type { MemoryActor, MemoryPartition } from './memory-partition.ts'

/** What an actor and a row take beside their texts [measured over 20,000 actors of 1 to 21 rows]. */
const ACTOR_BYTES = 800
const ROW_BYTES = 210

/** Records, bases and rows of all actors. Keeps frozen copies, so nobody can change what is stored. */
export class MemoryActors {
  /** In order of creation. */
  readonly #actors = new Map<ActorId, MemoryActor>()
  #ordinal = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Everything that may refuse the actors of a commit, asked before its first change. */
  refuseBroken(writes: readonly ActorWrite[], partition: number): void {
    for (const { record, created, base } of writes) {
      const { id } = record
      const former = this.#actors.get(id)
      assertInvariant(record.partition === partition, `actor ${id} of partition ${record.partition} is committed in partition ${partition}`)
      assertInvariant(created || former !== undefined, `actor ${id} is written, but does not exist`)
      assertInvariant(!created || base !== null, `actor ${id} is created without a base`)
      assertInvariant(!created || former === undefined || !liveStatuses.includes(former.record.status), `actor ${id} is created, but exists and is ${former?.record.status}`)
    }
  }

  write({ record, created, base, row }: ActorWrite, partition: MemoryPartition, at: number): void {
    const { id } = record
    if (created) {
      this.delete(id)
      this.#bytes += ACTOR_BYTES
      this.#actors.set(id, { ordinal: ++this.#ordinal, record, bases: [], rows: [] })
    }
    const actor = this.#actors.get(id)
    assertInvariant(actor !== undefined, `actor ${id} is written, but does not exist`)
    actor.record = freezeRecord(record)
    if (row) {
      partition.record(actor, { id, fromSeq: row.fromSeq, toSeq: row.toSeq, at, data: row.data })
      this.#bytes += ROW_BYTES + row.data.length
    }
    if (base) this.#rebase(actor, [...actor.bases.filter(({ seq }) => seq !== base.seq), Object.freeze({ seq: base.seq, data: base.data })].toSorted((a, b) => a.seq - b.seq))
    partition.index(actor.record)
  }

  isPresent(actor: MemoryActor): boolean {
    return this.#actors.get(actor.record.id) === actor
  }

  /** Gives back what it has deleted. */
  delete(id: ActorId): MemoryActor | undefined {
    const actor = this.#actors.get(id)
    if (!actor || !this.#actors.delete(id)) return undefined
    this.#bytes -= ACTOR_BYTES + charsOf(actor.bases) + charsOf(actor.rows) + ROW_BYTES * actor.rows.length
    return actor
  }

  /** Actors of completed runs, whole runs in the order given, each root last, at most `limit`; none of a run in which something waits. */
  ended(roots: readonly ActorId[], limit: number): readonly ActorId[] {
    const runs = new Map<ActorId, ActorId[]>(roots.slice(0, limit).map(root => [root, []]))
    const busy = new Set<ActorId>()
    for (const [id, { record }] of runs.size === 0 ? [] : this.#actors) {
      if (id !== record.run) runs.get(record.run)?.push(id)
      if (record.completedAt === null || record.parked > 0) busy.add(record.run)
    }
    return [...runs].flatMap(([root, children]) => (busy.has(root) ? [] : [...children, root])).slice(0, limit)
  }

  #rebase(actor: MemoryActor, bases: MemoryActor['bases']): void {
    this.#bytes += charsOf(bases) - charsOf(actor.bases)
    actor.bases = bases
  }

  load(id: ActorId, at: number): StoredActor | undefined {
    const actor = this.#actors.get(id)
    if (!actor) return undefined
    const base = actor.bases.findLast(({ seq }) => seq <= at)
    if (!base) throw new TroupeError('history/trimmed', `${addressOf(id)} at sequence ${at} lies before its retained history`, { address: addressOf(id), details: { at } })
    const rows = at > base.seq ? actor.rows.filter(({ fromSeq, toSeq }) => toSeq > base.seq && fromSeq <= at) : []
    return { record: actor.record, base, rows }
  }

  history(id: ActorId, after: number, limit: number): readonly JournalRow[] {
    return this.#actors.get(id)?.rows.filter(({ toSeq }) => toSeq > after).slice(0, limit) ?? []
  }

  list({ order = 'oldest', cursor, limit, ...conditions }: ActorFilter): ActorPage {
    const isAhead = cursor === undefined ? () => true : aheadOf(parseCursor(cursor), order)
    const found: MemoryActor[] = []
    for (const actor of order === 'oldest' ? this.#actors.values() : [...this.#actors.values()].reverse()) {
      if (isAhead(actor.ordinal) && fits(actor.record, conditions)) found.push(actor)
      if (found.length > limit) break
    }
    const page = found.slice(0, limit)
    return { records: page.map(({ record }) => record), cursor: found.length > limit ? page.at(-1)?.ordinal.toString(36) : undefined }
  }

  tally(conditions: ActorConditions): ActorTally {
    const tally = new Tally()
    for (const { record } of this.#actors.values()) {
      if (fits(record, conditions)) tally.add({ machine: parseActorId(record.id).machine, status: record.status, states: record.states, count: 1 })
    }
    return tally.result()
  }

  /** Trims rows older than `before` at or below the newest base, and the bases from which `load` would then find a gap (S9). */
  trim(partition: MemoryPartition, before: number, limit: number): void {
    const gone = partition.trim(limit, ({ row, actor }) => !this.isPresent(actor) || (row.at < before && row.toSeq <= (actor.bases.at(-1)?.seq ?? 0)))
    for (const { row, actor } of gone) {
      if (!this.isPresent(actor)) continue
      actor.rows = actor.rows.filter((kept) => kept !== row)
      this.#bytes -= ROW_BYTES + row.data.length
      this.#rebase(actor, actor.bases.filter(({ seq }) => seq >= row.toSeq))
    }
  }
}

const charsOf = (texts: readonly { readonly data: string }[]): number => texts.reduce((sum, { data }) => sum + data.length, 0)

const aheadOf = (mark: number, order: ActorOrder) => (ordinal: number): boolean => (order === 'oldest' ? ordinal > mark : ordinal < mark)

function fits(record: ActorRecord, { tenant, machine, machinesExcept, status, state, tag, run, text, updatedBefore, updatedAfter }: ActorConditions): boolean {
  const address = parseActorId(record.id)
  return address.tenant === tenant && (machine === undefined || address.machine === machine)
    && (machinesExcept === undefined || !address.machine.startsWith(machinesExcept))
    && (status === undefined || record.status === status) && (state === undefined || record.states.includes(state))
    && (tag === undefined || record.tags.includes(tag)) && (run === undefined || record.run === run)
    && (text === undefined || address.key.includes(text))
    && (updatedBefore === undefined || record.updatedAt < updatedBefore) && (updatedAfter === undefined || record.updatedAt > updatedAfter)
}

const freezeRecord = (record: ActorRecord): ActorRecord => Object.freeze({ ...record, states: Object.freeze([...record.states]), tags: Object.freeze([...record.tags]) })

function parseCursor(cursor: string): number {
  if (/^[0-9a-z]{1,10}$/.test(cursor)) return Number.parseInt(cursor, 36)
  throw new TroupeError('config/invalid', `cursor ${JSON.stringify(cursor.slice(0, 80))} is none that list gave: pass the cursor of the page before unchanged`)
}
