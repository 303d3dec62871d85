import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import { applyDelta } from '../core/delta.ts'
import type { Op } from '../core/delta.ts'
import { DOCUMENT_FORMAT, XSTATE_MAJOR, decodeDocument } from '../core/document.ts'
import type { ActorDocument } from '../core/document.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { Codec } from '../core/codec.ts'
import { unpackRow } from '../core/journal.ts'
import { decodeJson } from '../core/json.ts'
import type { StoredActor } from '../core/store.ts'
import { decodeFor } from './coding.ts'
import type { Definition } from './definition.ts'
import type { HostEnv } from './env.ts'
import { Slot } from './slot.ts'
import { LiveActor } from './xstate/live-actor.ts'
import type { LiveActorOptions } from './xstate/live-actor.ts'

/** Actors looked at per actor that must go. */
const EVICTION_LOOKS = 4

/**
 * The actors of one partition that are in memory: a bounded cache over the store.
 *
 * Invariants
 * C1  A slot that is dirty, or has something running beside it, is never evicted.
 * C2  What is restored equals what was evicted: a checkpoint is all an actor is.
 */
export class Slots {
  readonly #env: HostEnv
  readonly #wake: (id: ActorId, path: string, event: string) => void
  /** In order of last use. */
  readonly #slots = new Map<ActorId, Slot>()
  /** What the store had of actors that the batch at hand needs; undefined for those that do not exist. */
  readonly #ahead = new Map<ActorId, StoredActor | undefined>()
  /** What the slots take in memory, and how much of it should have gone and could not. */
  #bytes = 0
  #stuck = 0

  constructor(env: HostEnv, wake: (id: ActorId, path: string, event: string) => void) {
    this.#env = env
    this.#wake = wake
  }

  get(id: ActorId): Slot | undefined {
    return this.#slots.get(id)
  }

  add(slot: Slot): void {
    this.#slots.set(slot.id, slot)
  }

  get size(): number {
    return this.#slots.size
  }

  /** Reads those that are not in memory, all at once: one after the other each would be a round trip. What fails is read again by whom it concerns. */
  async readAhead(ids: readonly ActorId[]): Promise<void> {
    const missing = new Set<ActorId>()
    for (const id of ids) if (!this.#slots.has(id) && !this.#ahead.has(id)) missing.add(id)
    if (missing.size === 0) return
    await this.#env.probe?.('load')
    const { store } = this.#env
    await Promise.all(Array.from(missing, id => store.load(id).then(stored => this.#ahead.set(id, stored), () => undefined)))
  }

  /** Whether an actor that is not in memory was read ahead: then `bring` needs no promise. */
  isAhead(id: ActorId): boolean {
    return this.#ahead.has(id)
  }

  /** Brings an actor that was read ahead into memory. Undefined when it does not exist. */
  bring(id: ActorId): Slot | undefined {
    const stored = this.#ahead.get(id)
    return stored && this.#place(id, stored)
  }

  /** Brings an actor into memory. Undefined when it does not exist. */
  async load(id: ActorId): Promise<Slot | undefined> {
    await this.#env.probe?.('load')
    const stored = await this.#env.store.load(id)
    return stored && this.#place(id, stored)
  }

  #place(id: ActorId, stored: StoredActor): Slot {
    const { document, deltaChars } = readDocument(stored, this.#env.codec)
    const slot = Slot.restored(stored.record, document, this.#env.definitions.get(parseActorId(id).machine), { base: stored.base.data.length, deltas: deltaChars })
    if (slot.isLive) this.#restore(slot, document)
    this.#slots.set(id, slot)
    this.weigh(slot)
    return slot
  }

  /** Takes an actor back to its last good step: the store's checkpoint and what this batch has added since. */
  async rollBack(slot: Slot): Promise<void> {
    slot.live?.dispose()
    slot.live = undefined
    const document = await this.#lastGood(slot)
    // What it shows when not even this can be brought to life.
    slot.rest(document)
    this.#restore(slot, document)
  }

  async #lastGood(slot: Slot): Promise<ActorDocument> {
    const stored = slot.bornText === undefined ? await this.#env.store.load(slot.id) : undefined
    if (slot.bornText === undefined && !stored) throw new TroupeError('store/corrupt', `the checkpoint of ${slot.address} is gone`, { address: slot.address })
    let document = stored ? readDocument(stored, this.#env.codec).document : decodeDocument(slot.bornText ?? '')
    for (const delta of slot.deltas) document = applyDelta(document, decodeJson<Op[]>(delta))
    return document
  }

  /** Gives a new slot the state of a document: a fork. Throws when it does not fit. */
  adopt(slot: Slot, document: ActorDocument): void {
    const definition = this.#fitting(slot, document)
    if (slot.restartAt !== null) return slot.rest(document)
    slot.live = new LiveActor(this.#options(definition, slot.id), { document })
    slot.live.resumeLiveCode()
  }

  /**
   * Runs a step on a copy of the last good state whose context is not frozen. Gives back the contexts as they were and
   * as the step has left the same objects.
   */
  async rehearse(slot: Slot, run: () => unknown): Promise<{ readonly before: unknown; readonly after: unknown } | undefined> {
    const { definition, live } = slot
    if (!definition) return undefined
    const document = await this.#lastGood(slot)
    const trial = new LiveActor({ ...this.#options(definition, slot.id), mutableContext: true, wake: () => undefined }, { document })
    const { context } = trial.snapshot as { context?: unknown }
    const before: unknown = JSON.parse(JSON.stringify(context ?? null))
    slot.live = trial
    try {
      run()
    } catch {
      // Only what it did to the old context counts.
    } finally {
      slot.live = live
      trial.dispose()
    }
    return { before, after: context }
  }

  /** A new live actor for a slot. */
  open(definition: Definition, id: ActorId, from: { readonly input: unknown; readonly ordinal?: number }): LiveActor {
    return new LiveActor(this.#options(definition, id), from)
  }

  /** Puts a live actor in place, or marks the slot held with the reason. */
  #restore(slot: Slot, document: ActorDocument): void {
    try {
      const definition = this.#fitting(slot, document)
      slot.held = undefined
      if (slot.restartAt !== null) return
      const snapshot = migrated(definition, document)
      slot.live = new LiveActor(this.#options(definition, slot.id), { document: { ...document, snapshot } })
      if (snapshot !== document.snapshot || document.hash !== definition.hash || document.version !== definition.version) slot.migrate(this.#env.clock.now())
      slot.live.resumeLiveCode()
    } catch (error) {
      slot.held = toErrorInfo(
        error instanceof TroupeError && error.code !== 'context/unserializable'
          ? error
          : new TroupeError('actor/held', `the checkpoint of ${slot.address} (version ${document.version}) does not fit the registered machine`, { address: slot.address, cause: error }),
      )
      slot.live = undefined
    }
  }

  #fitting(slot: Slot, document: ActorDocument): Definition {
    const { address, definition } = slot
    if (!definition) throw new TroupeError('machine/unknown', `no machine '${document.machine}' is registered, which ${address} needs`, { address })
    if (document.format > DOCUMENT_FORMAT || document.xstate !== XSTATE_MAJOR) {
      throw new TroupeError('store/newer-format', `the checkpoint of ${address} has format ${document.format} of XState ${document.xstate}; this runtime reads ${DOCUMENT_FORMAT} of XState ${XSTATE_MAJOR}`, { address })
    }
    return definition
  }

  #options({ logic, mutableContext, limits }: Definition, id: ActorId): LiveActorOptions {
    return {
      id,
      logic,
      mutableContext,
      microstepsMax: limits.microstepsMax,
      jsonDepthMax: limits.jsonDepthMax,
      payloadBytesMax: limits.payloadBytesMax,
      now: () => this.#env.clock.now(),
      wake: (path, event) => this.#wake(id, path, event),
    }
  }

  /** Marks use, so that eviction takes what has rested longest. */
  touch(slot: Slot): void {
    this.#slots.delete(slot.id)
    this.#slots.set(slot.id, slot)
  }

  /** Counts a slot by its size now. */
  weigh(slot: Slot): void {
    if (this.#slots.get(slot.id) === slot) this.#count(slot, slot.bytes)
  }

  #count(slot: Slot, bytes: number): void {
    this.#bytes += bytes - slot.weight
    this.#env.memory.actors += bytes - slot.weight
    slot.weight = bytes
  }

  /** Between two batches. */
  evict(): void {
    this.#ahead.clear()
    const { limits, store, memory } = this.#env
    // The bounds are the node's, shared out over the partitions.
    let excess = this.#slots.size - Math.ceil(limits.liveActorsMax / store.partitions)
    let excessBytes = Math.max(0, memory.excessOf(this.#bytes))
    // What cannot go is looked at once and lines up at the end, so that a crowd of it is not walked through after each batch.
    let looks = EVICTION_LOOKS * Math.max(excess, excessBytes && Math.ceil((excessBytes / this.#bytes) * this.#slots.size))
    for (const slot of this.#slots.values()) {
      if ((excess <= 0 && excessBytes <= 0) || looks-- <= 0) break
      if (slot.isDirty || slot.live?.isPinned) {
        this.touch(slot)
        continue
      }
      slot.live?.dispose()
      excess--
      excessBytes -= slot.weight
      this.#drop(slot)
      this.#env.counters.evictions++
    }
    this.#setStuck(Math.max(0, excessBytes))
  }

  #setStuck(bytes: number): void {
    this.#env.memory.stuck += bytes - this.#stuck
    this.#stuck = bytes
  }

  #drop(slot: Slot): void {
    this.#slots.delete(slot.id)
    this.#count(slot, 0)
  }

  /** Drops ended actors: the store may have deleted them. Those it still has are loaded again when asked for. */
  forgetEnded(): void {
    this.#ahead.clear()
    for (const slot of this.#slots.values()) if (!slot.isLive && !slot.isMendable && !slot.isDirty) this.#drop(slot)
  }

  /** Drops everything, as a lost partition must. */
  clear(): void {
    for (const slot of this.#slots.values()) {
      slot.live?.dispose()
      this.#drop(slot)
    }
    this.#setStuck(0)
    this.#ahead.clear()
  }
}

/** The document of a stored actor: its base with the later deltas applied. */
export function readDocument({ record, base, rows }: StoredActor, codec: Codec, until = Infinity): { readonly document: ActorDocument; readonly deltaChars: number } {
  let document = parseBase(record.id, decodeFor(codec, record.id, base.data, base.seq))
  let seq = base.seq
  let deltaChars = 0
  for (const row of rows) {
    for (const entry of unpackRow(decodeFor(codec, record.id, row.data, row.toSeq))) {
      if (entry.seq <= base.seq || entry.seq > until) continue
      if (entry.seq !== seq + 1) throw corrupt(record.id, `step ${seq + 1} is missing`)
      seq = entry.seq
      if (entry.delta) document = applyDelta(document, entry.delta)
    }
    deltaChars += row.data.length
  }
  if (seq !== Math.min(record.seq, until)) throw corrupt(record.id, `it ends at step ${seq} of ${record.seq}`)
  return { document, deltaChars }
}

function parseBase(id: ActorId, text: string): ActorDocument {
  try {
    return decodeDocument(text)
  } catch (cause) {
    throw corrupt(id, 'it is not JSON', cause)
  }
}

function corrupt(id: ActorId, what: string, cause?: unknown): TroupeError {
  return new TroupeError('store/corrupt', `the checkpoint of ${addressOf(id)} is damaged: ${what}`, { address: addressOf(id), cause })
}

function migrated(definition: Definition, document: ActorDocument): ActorDocument['snapshot'] {
  const { migrate } = definition
  if (!migrate || (document.version === definition.version && document.hash === definition.hash)) return document.snapshot
  return decodeJson(JSON.stringify(migrate(structuredClone(document.snapshot), { version: document.version, hash: document.hash })))
}
