import type { AnyActorRef } from 'xstate'
import { addressOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import { createBorder, encodeJson, exceeds, isActorRef, seal } from '../../core/json.ts'
import { remoteAddressOf } from '../../core/remote.ts'
import { pathOf } from './internals.ts'

export interface OutgoingOptions {
  readonly id: ActorId
  readonly jsonDepthMax: number
  readonly payloadBytesMax: number
}

/** Text of something that leaves an actor's tree; references to actors become addresses. Throws `event/invalid`, `context/unserializable`, `payload/too-large`. */
export function encodeOutgoing(value: unknown, what: string, { id, jsonDepthMax, payloadBytesMax }: OutgoingOptions): string {
  const border = createBorder(what === 'event' ? 'event/invalid' : 'context/unserializable', jsonDepthMax, false, addressOf(id))
  seal(value, what, border)
  const plain = encodeJson(value, border.tagged)
  const text = plain.includes('"xstate$$type"') ? encodeJson(withAddresses(value, id), border.tagged) : plain
  const bytes = exceeds(text, payloadBytesMax)
  if (bytes === undefined) return text
  throw new TroupeError('payload/too-large', `the ${what} has ${bytes} bytes, the limit payloadBytesMax is ${payloadBytesMax}`, { address: addressOf(id), details: { bytes, limit: payloadBytesMax } })
}

function withAddresses(value: unknown, id: ActorId): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || ArrayBuffer.isView(value)) return value
  if (isActorRef(value)) return addressOfRef(value as AnyActorRef, id)
  if (Array.isArray(value)) return value.map(part => withAddresses(part, id))
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withAddresses(part, id)]))
}

function addressOfRef(ref: AnyActorRef, id: ActorId): { readonly address: string; readonly path?: string } {
  const durable = remoteAddressOf(ref)
  if (durable !== undefined) return { address: addressOf(durable as ActorId) }
  const path = pathOf(ref)
  return path === '' ? { address: addressOf(id) } : { address: addressOf(id), path }
}
