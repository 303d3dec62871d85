import { isDeepStrictEqual } from 'node:util'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorDocument } from '../core/document.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import { decodeJson } from '../core/json.ts'
import type { Body } from '../core/message.ts'
import type { Batch } from './batch.ts'
import type { Definition } from './definition.ts'
import { forkDocument } from './fork.ts'
import { Slot } from './slot.ts'
import { unknownMachine } from './status.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'

type BirthBody = Extract<Body, { kind: 'start' | 'spawn' | 'fork' }>

/** Makes a new actor: started from outside, spawned by another one, or forked from a past state. */
export function createSlot(stepper: Stepper, work: Work, batch: Batch, existing: Slot | undefined): void {
  const { env, partition, room } = stepper.parts
  const { to, body } = work.message
  const birth = body as BirthBody
  if (existing) return createAgain(stepper, work, batch, existing, birth)
  const { machine } = parseActorId(to)
  const definition = env.definitions.get(machine)
  if (!definition) return refuseBirth(stepper, work, batch, unknownMachine(machine, env.definitions))
  if (room() - batch.births <= 0) {
    const limit = env.limits.activeActorsMax
    return refuseBirth(stepper, work, batch, new TroupeError('actor/limit', `partition ${partition} has ${limit} active actors, the limit activeActorsMax`, { address: addressOf(to), details: { limit } }))
  }
  try {
    if (birth.kind === 'fork') bearFork(stepper, work, batch, definition, birth.document)
    else bear(stepper, work, batch, definition, birth)
  } catch (error) {
    refuseBirth(stepper, work, batch, error)
  }
}

function bear(stepper: Stepper, work: Work, batch: Batch, definition: Definition, birth: Extract<BirthBody, { kind: 'start' | 'spawn' }>): void {
  const { to } = work.message
  const input = decodeJson(birth.input)
  const parent = birth.kind === 'spawn' ? birth.parent : null
  const slot = new Slot(to, definition, { status: 'active', failure: null, cancelAt: null, restartAt: null, input, parent, asks: [], restarts: [] }, stepper.now)
  const live = stepper.parts.slots.open(definition, to, { input: input ?? undefined })
  slot.live = live
  take(stepper, work, batch, slot, stepper.step(slot, batch, 'start', { message: work.message }, () => live.start(), work))
}

function bearFork(stepper: Stepper, work: Work, batch: Batch, definition: Definition, source: ActorDocument): void {
  const { to } = work.message
  const { document, effects } = forkDocument(source, to, stepper.now)
  const slot = new Slot(to, definition, document, stepper.now)
  stepper.parts.slots.adopt(slot, document)
  take(stepper, work, batch, slot, stepper.step(slot, batch, 'fork', { message: work.message }, () => ({ delta: undefined, effects }), work))
  stepper.parts.wake(slot.id)
}

function take(stepper: Stepper, work: Work, batch: Batch, slot: Slot, failure: { readonly error: unknown } | undefined): void {
  if (failure) {
    slot.live?.dispose()
    throw failure.error
  }
  stepper.parts.slots.add(slot)
  batch.births++
  stepper.answer(work, batch, slot)
}

/** Starting again with the same input is the same start; a spawn is repeated only by a message that was handled already. */
function createAgain(stepper: Stepper, work: Work, batch: Batch, slot: Slot, birth: BirthBody): void {
  if (birth.kind === 'spawn') {
    stepper.parts.env.counters.duplicates++
    return
  }
  if (birth.kind === 'start' && isDeepStrictEqual(slot.input ?? null, decodeJson(birth.input) ?? null)) return stepper.answer(work, batch, slot)
  const how = birth.kind === 'fork' ? 'so nothing can be forked to it' : 'with another input'
  stepper.refuse(work, batch, new TroupeError('actor/exists', `${slot.address} was started already, ${how}`, { address: slot.address }))
}

/** A child that cannot be born is an error of its parent's; others hear it themselves. */
function refuseBirth(stepper: Stepper, work: Work, batch: Batch, error: unknown): void {
  const { body, to } = work.message
  if (body.kind !== 'spawn') return stepper.refuse(work, batch, error)
  stepper.emit(work, batch, body.parent.id, to, { kind: 'child', path: body.parent.path, child: to, outcome: { type: 'error', error: toErrorInfo(error) } })
}
