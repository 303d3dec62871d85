import { addressOf, parseActorId, runOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { Codec } from '../core/codec.ts'
import type { Op } from '../core/delta.ts'
import { DOCUMENT_FORMAT, XSTATE_MAJOR, encodeDocument } from '../core/document.ts'
import type { ActorDocument, OpenAsk, ParentLink } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import { packRow } from '../core/journal.ts'
import type { EntryKind } from '../core/journal.ts'
import { encodeJson, exceeds, isTagged } from '../core/json.ts'
import { liveStatuses } from '../core/store.ts'
import type { ActorRecord, ActorStatus, ActorWrite } from '../core/store.ts'
import { encodeFor } from './coding.ts'
import type { Definition } from './definition.ts'
import { entryText, joinDeltas } from './entry-text.ts'
import type { EntryFacts } from './entry-text.ts'
import { actorBytes } from './memory-account.ts'
import { statesOf } from '../core/states.ts'
import type { SnapshotSource } from './snapshot.ts'
import type { Step } from './xstate/effects.ts'
import type { LiveActor, LiveParts } from './xstate/live-actor.ts'
import { liveTags } from './xstate/tree.ts'

/** Deltas below this many characters are never worth a new base. */
const FOLD_MIN = 4096
/** A new base is written when the deltas since the last one outgrow it by this factor: 2 keeps all bases together at most 1.5 times the last. */
const FOLD_FACTOR = 2
/** The same for whole rows, events and all: what changes little, or nothing, is read as well by whoever loads the actor. */
const ROWS_MIN = 64 << 10
const ROWS_FACTOR = 4

/** The parts of a document that the slot keeps itself, beside those of the live actor. */
type Head = Pick<ActorDocument, 'status' | 'failure' | 'cancelAt' | 'restartAt' | 'input' | 'parent' | 'asks' | 'restarts'>

/**
 * One actor in the memory of the partition's owner: its live XState actor, and what of it is not committed yet.
 *
 * Invariants
 * A1  `seq` grows by one with each entry; the entries since the last commit are gapless.
 * A2  Base plus rows in the store, plus `entries`, always rebuild exactly what `document` gives.
 * A3  Nobody outside sees more than `committed`.
 */
export class Slot {
  readonly id: ActorId
  readonly definition: Definition | undefined
  /** Undefined for actors that are ended, held or wait for their next life. */
  live: LiveActor | undefined
  seq = 0
  /** What keeps the checkpoint from being restored; nothing is written over it then. */
  held: ErrorInfo | undefined
  /** Messages kept aside in the store. */
  parked = 0
  /** What the slot counts for in the memory account. */
  weight = 0
  /** Uncommitted entries, as text. */
  readonly entries: string[] = []
  /** Uncommitted deltas, as text, to roll back with. */
  readonly deltas: string[] = []
  committed: SnapshotView | undefined
  readonly #createdAt: number
  /** The first base of an actor created in this batch. */
  #born: { readonly seq: number; readonly text: string } | undefined
  #head: Head
  readonly #ops: Op[] = []
  #atRest: LiveParts | undefined
  #baseChars = 0
  #deltaChars = 0
  /** Text of the entries since the last base. */
  #rowChars = 0
  #baseDue = false
  #fromSeq = 1
  #completedAt: number | null = null
  #wasLive = false
  /** Whether input or state hold what JSON does not, so that their text takes the slower way. */
  #tagged: boolean
  #updatedAt: number
  /** Version of the machine that the checkpoint was made with: a held actor keeps the one it has. */
  #version: string

  constructor(id: ActorId, definition: Definition | undefined, head: Head, createdAt: number) {
    this.id = id
    this.definition = definition
    this.#head = headOf(head)
    this.#createdAt = createdAt
    this.#tagged = isTagged(head.input)
    this.#updatedAt = createdAt
    this.#version = definition?.version ?? ''
  }

  /** Takes over what the store knows of an actor. */
  static restored(record: ActorRecord, document: ActorDocument, definition: Definition | undefined, sizes: { base: number; deltas: number }): Slot {
    const slot = new Slot(record.id, definition, document, record.createdAt)
    slot.seq = record.seq
    slot.#fromSeq = record.seq + 1
    slot.parked = record.parked
    slot.#completedAt = record.completedAt
    slot.#wasLive = slot.#countsAsLive()
    slot.#updatedAt = record.updatedAt
    slot.#version = document.version
    slot.#baseChars = sizes.base
    slot.#deltaChars = slot.#rowChars = sizes.deltas
    slot.rest(document)
    slot.committed = slot.#view()
    return slot
  }

  /** The state that counts while there is no live actor. */
  rest({ snapshot, timers, tasks, ordinal }: LiveParts): void {
    this.#atRest = { snapshot, timers, tasks, ordinal }
  }

  get status(): ActorStatus {
    return this.held ? 'held' : this.#head.status
  }

  get parent(): ParentLink | null {
    return this.#head.parent
  }

  get input(): unknown {
    return this.#head.input
  }

  get failure(): ErrorInfo | null {
    return this.held ?? this.#head.failure
  }

  get cancelAt(): number | null {
    return this.#head.cancelAt
  }

  get restartAt(): number | null {
    return this.#head.restartAt
  }

  /** Whether its old life is over and the next one is not due yet. */
  get isBetweenLives(): boolean {
    return this.status === 'active' && this.restartAt !== null
  }

  /** Counter behind the ids it has given. */
  get ordinal(): number {
    return this.#parts().ordinal
  }

  get asks(): readonly OpenAsk[] {
    return this.#head.asks
  }

  get restarts(): readonly number[] {
    return this.#head.restarts
  }

  get isLive(): boolean {
    return liveStatuses.includes(this.status)
  }

  /** A failed root waits for somebody to mend it; a failed child is over, its parent has heard of it. */
  get isMendable(): boolean {
    return this.status === 'failed' && !this.parent
  }

  get bornText(): string | undefined {
    return this.#born?.text
  }

  get isDirty(): boolean {
    return this.entries.length > 0 || this.#baseDue
  }

  get address(): string {
    return addressOf(this.id)
  }

  /** About what it takes in memory. The last base and the deltas since are more than the state where it was written over. */
  get bytes(): number {
    return actorBytes(this.#baseChars + this.#deltaChars)
  }

  /** Changes a part of the head; it goes into the delta of the next entry. */
  set<K extends keyof Head>(part: K, value: Head[K]): void {
    this.#head = { ...this.#head, [part]: value }
    this.#ops.push([[part], value])
  }

  end(status: ActorStatus): void {
    this.set('status', status)
    if (this.cancelAt !== null) this.set('cancelAt', null)
    if (this.restartAt !== null) this.set('restartAt', null)
  }

  revive(): void {
    this.set('status', 'active')
    this.set('failure', null)
  }

  /** Notes that the live actor was made from a checkpoint of another version of its machine. */
  migrate(at: number): void {
    const { definition } = this
    if (!definition) return
    this.#ops.push([['snapshot'], this.#parts().snapshot], [['version'], definition.version], [['hash'], definition.hash])
    this.#version = definition.version
    this.record('migrated', at, {})
    this.#baseDue = true
  }

  /** Asks for a whole new base with the next commit: after a restart or a migration the old one is of no use. */
  rebase(): void {
    this.#baseDue = true
  }

  /** Writes a step down. Throws `payload/too-large` when it makes the checkpoint outgrow its limit. */
  record(kind: EntryKind, at: number, facts: EntryFacts, step?: Step): void {
    const delta = joinDeltas(step?.delta, this.#ops)
    const { checkpointBytesMax } = this.#limits()
    const grown = this.#baseChars + this.#deltaChars + (delta?.length ?? 0)
    if (delta !== undefined && grown > checkpointBytesMax) this.#checkSize(checkpointBytesMax)
    this.#ops.length = 0
    this.seq++
    this.#updatedAt = at
    // A failed root actor waits for somebody to mend it; every other end is final.
    this.#completedAt = this.isLive || this.isMendable ? null : (this.#completedAt ?? at)
    const head = { seq: this.seq, at, kind, keepsEvents: this.definition?.keepsEvents ?? true }
    if (this.seq === 1) {
      const text = this.text()
      if (text.length > checkpointBytesMax) this.#checkSize(checkpointBytesMax)
      this.#born = { seq: 1, text }
      this.#baseChars = text.length
      this.entries.push(entryText(head, facts, undefined, step?.effects))
      return
    }
    if (delta !== undefined) {
      this.deltas.push(delta)
      this.#deltaChars += delta.length
    }
    const text = entryText(head, facts, delta, step?.effects)
    this.#rowChars += text.length
    this.entries.push(text)
  }

  /** Forgets ops of a step that failed. */
  dropOps(head: Head): void {
    this.#head = head
    this.#ops.length = 0
  }

  get head(): Head {
    return this.#head
  }

  /** A delta that replaces everything: a new life. */
  wholeDelta(): string {
    this.#ops.length = 0
    const document = this.#document()
    return encodeJson([[[], document]], this.#tagged)
  }

  /** The whole document now, as the text of a base. */
  text(): string {
    const document = this.#document()
    return encodeDocument(document, this.#tagged)
  }

  #document(): ActorDocument {
    const { definition } = this
    const parts = this.#parts()
    this.#tagged ||= this.live?.tagged ?? true
    return {
      format: DOCUMENT_FORMAT,
      xstate: XSTATE_MAJOR,
      machine: parseActorId(this.id).machine,
      version: definition?.version ?? '',
      hash: definition?.hash ?? '',
      ...parts,
      ...this.#head,
    }
  }

  /** What the next commit writes for this actor. */
  write(codec: Codec): ActorWrite {
    const { tenant, machine, key } = parseActorId(this.id)
    const context = { tenant, machine, key, seq: this.seq }
    const base = this.#baseToWrite()
    return {
      record: this.#recordNow(codec),
      created: this.#born !== undefined,
      base: base ? { seq: base.seq, data: codec.encode(base.text, { ...context, seq: base.seq }) } : null,
      row: this.entries.length === 0 ? null : { fromSeq: this.#fromSeq, toSeq: this.seq, data: codec.encode(packRow(this.entries), context) },
    }
  }

  #baseToWrite(): { readonly seq: number; readonly text: string } | undefined {
    if (this.#born) return this.#born
    if (this.held || !(this.#baseDue || this.#hasOutgrown())) return undefined
    const text = this.text()
    this.#baseChars = text.length
    this.#deltaChars = this.#rowChars = 0
    return { seq: this.seq, text }
  }

  #hasOutgrown(): boolean {
    return this.#deltaChars > Math.max(FOLD_MIN, FOLD_FACTOR * this.#baseChars) || this.#rowChars > Math.max(ROWS_MIN, ROWS_FACTOR * this.#baseChars)
  }

  /** What the last commit has done to the number of live actors: 1, 0 or -1. */
  get liveChange(): number {
    return Number(this.#countsAsLive()) - Number(this.#wasLive)
  }

  /** A failed root still holds its place: it may be revived. */
  #countsAsLive(): boolean {
    return this.isLive || this.#completedAt === null
  }

  /** The commit is durable: what was written is what others may see. */
  settle(): void {
    this.entries.length = 0
    this.deltas.length = 0
    this.#born = undefined
    this.#baseDue = false
    this.#fromSeq = this.seq + 1
    this.#wasLive = this.#countsAsLive()
    this.committed = this.#view()
    if (this.isLive || !this.live) return
    this.#atRest = this.live.parts()
    this.live = undefined
  }

  #parts(): LiveParts {
    return this.live?.parts() ?? (this.#atRest as LiveParts)
  }

  /** The state after the last step, to be read when somebody asks. */
  view(): SnapshotView {
    return this.#view()
  }

  #view(): SnapshotView {
    const { id, seq, status } = this
    const snapshot = this.live ? this.live.persisted() : () => (this.#atRest as LiveParts).snapshot
    const failure = this.failure ?? undefined
    return () => ({ id, seq, status, failure, snapshot: snapshot() })
  }

  #recordNow(codec: Codec): ActorRecord {
    const { id, live, status } = this
    const snapshot = live?.snapshot as { value?: unknown } | undefined
    const runs = status === 'active'
    return {
      id,
      run: runOf(id),
      partition: 0,
      parent: this.parent?.id ?? null,
      status,
      seq: this.seq,
      version: this.#version,
      states: statesOf(snapshot?.value ?? this.#atRest?.snapshot.value),
      tags: live ? liveTags(live.snapshot as object) : [],
      dueAt: runs ? earliest(live?.dueAt ?? this.restartAt, this.cancelAt) : null,
      openTasks: runs && live ? live.tasks.size : 0,
      parked: this.parked,
      createdAt: this.#createdAt,
      updatedAt: this.#updatedAt,
      completedAt: this.#completedAt,
      expiresAt: this.#completedAt !== null && this.definition?.completedMs !== undefined ? this.#completedAt + this.definition.completedMs : null,
      error: this.failure && encodeFor(codec, id, JSON.stringify(this.failure), this.seq),
    }
  }

  #limits(): { readonly checkpointBytesMax: number } {
    return this.definition?.limits ?? { checkpointBytesMax: Infinity }
  }

  /** Base and deltas together may be twice the state: only the real size counts. */
  #checkSize(bytesMax: number): void {
    const bytes = exceeds(this.text(), bytesMax)
    if (bytes === undefined) return
    throw new TroupeError('payload/too-large', `the checkpoint of ${this.address} would have ${bytes} bytes, the limit checkpointBytesMax is ${bytesMax}`, {
      address: this.address,
      details: { bytes, limit: bytesMax },
    })
  }
}

/** The head alone: given a whole document, its snapshot of that day would go into every later base. */
const headOf = ({ status, failure, cancelAt, restartAt, input, parent, asks, restarts }: Head): Head => ({ status, failure, cancelAt, restartAt, input, parent, asks, restarts })

/** Makes a snapshot source when it is wanted, of the state at the time it was taken. */
export type SnapshotView = () => SnapshotSource

const earliest = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b))

