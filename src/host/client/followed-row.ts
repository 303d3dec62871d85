import { addressOf, parseActorId, runOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { ShownOutput } from '../../core/client/handler.ts'
import { applyDelta } from '../../core/delta.ts'
import type { ActorDocument } from '../../core/document.ts'
import { unpackRow } from '../../core/journal.ts'
import type { JournalEntry } from '../../core/journal.ts'
import type { JournalRow } from '../../core/store.ts'
import { decodeFor } from '../coding.ts'
import type { HandleParts } from '../handle.ts'
import { readDocument } from '../slots.ts'
import { encodeCursor } from './positions.ts'
import type { Place } from './positions.ts'
import { stepView } from './views.ts'

type LiveItem = Extract<ShownOutput<'follow'>, { readonly type: 'step' }>
export type LiveStep = LiveItem['step']
export type ToldStep = Omit<LiveStep, 'cursor'>

type Parts = Pick<HandleParts, 'env' | 'reader'>

/** States of the actors told of last, bounded by the size of their texts: the next step of each costs its delta. */
export class LatestStates {
  readonly #parts: Parts
  readonly #charsMax: number
  readonly #held = new Map<ActorId, { readonly seq: number; readonly document: ActorDocument; readonly chars: number }>()
  #chars = 0

  constructor(parts: Parts, charsMax: number) {
    this.#parts = parts
    this.#charsMax = charsMax
  }

  /** The state after a step. Undefined where actor and history are gone. Throws `history/trimmed`. */
  async after(id: ActorId, { seq, delta = [] }: JournalEntry, chars: number): Promise<ActorDocument | undefined> {
    const held = this.#held.get(id)
    if (held?.seq === seq - 1) return this.#hold(id, seq, applyDelta(held.document, delta, new WeakSet()), held.chars + chars)
    const stored = await this.#parts.reader.store.load(id, seq)
    if (!stored || stored.record.seq < seq) return undefined
    return this.#hold(id, seq, readDocument(stored, this.#parts.env.codec, seq).document, stored.base.data.length)
  }

  #hold(id: ActorId, seq: number, document: ActorDocument, chars: number): ActorDocument {
    this.#drop(id)
    this.#held.set(id, { seq, document, chars })
    this.#chars += chars
    for (const oldest of this.#held.keys()) {
      if (this.#chars <= this.#charsMax || this.#held.size === 1) break
      this.#drop(oldest)
    }
    return document
  }

  #drop(id: ActorId): void {
    this.#chars -= this.#held.get(id)?.chars ?? 0
    this.#held.delete(id)
  }
}

/** A row of the journal on its way to those who follow: read once, for whoever wants it. */
export class FollowedRow {
  readonly partition: number
  readonly position: number
  readonly chars: number
  readonly id: ActorId
  readonly address: string
  readonly machine: string
  readonly run: string
  readonly #parts: Parts
  #row: JournalRow | undefined
  #steps: Promise<readonly ToldStep[]> | undefined
  readonly #items: LiveItem[] = []

  constructor(parts: Parts, partition: number, row: JournalRow) {
    this.#parts = parts
    this.partition = partition
    this.position = row.position
    this.chars = row.data.length
    this.id = row.id
    this.address = addressOf(row.id)
    this.machine = parseActorId(row.id).machine
    this.run = addressOf(runOf(row.id))
    this.#row = row
  }

  /** Its steps with the state after each; none where the actor is gone by now. */
  steps(states: LatestStates): Promise<readonly ToldStep[]> {
    return (this.#steps ??= this.#read(states).catch((error: unknown) => {
      // The next one who wants it tries again.
      this.#steps = undefined
      throw error
    }))
  }

  async #read(states: LatestStates): Promise<readonly ToldStep[]> {
    const row = this.#row as JournalRow
    const { address, machine, run } = this
    const entries = unpackRow(decodeFor(this.#parts.env.codec, this.id, row.data, row.toSeq))
    const steps: ToldStep[] = []
    for (const entry of entries) {
      const document = await states.after(this.id, entry, Math.ceil(this.chars / entries.length))
      if (!document) break
      steps.push({ ...stepView(this.#parts, this.id, entry, document), address, machine, run })
    }
    this.#row = undefined
    return steps
  }

  /** What all are told who come from the same place: one object, so that whoever turns it into text can do so once. */
  item(steps: readonly ToldStep[], index: number, from: Place['positions']): LiveItem {
    return (this.#items[index] ??= { type: 'step', step: { ...(steps[index] as ToldStep), cursor: this.cursorAfter(steps, index, from) } })
  }

  /** Where to go on after one of its steps. */
  cursorAfter(steps: readonly ToldStep[], index: number, from: Place['positions']): string {
    const isLast = index === steps.length - 1
    return encodeCursor(isLast ? { positions: from.with(this.partition, this.position), begun: undefined } : { positions: from, begun: { partition: this.partition, steps: index + 1 } })
  }
}
