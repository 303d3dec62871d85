import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { Codec } from '../core/codec.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import { decodeJson, encodeJson } from '../core/json.ts'

/** User data on its way into the store: bound to its actor and, for what has one, its sequence. */
export const encodeFor = (codec: Codec, id: ActorId, text: string, seq = 0): string => codec.encode(text, { ...parseActorId(id), seq })

/** The way back. Throws `store/corrupt` for what the codec does not open. */
export function decodeFor(codec: Codec, id: ActorId, data: string, seq = 0): string {
  try {
    return codec.decode(data, { ...parseActorId(id), seq })
  } catch (cause) {
    throw new TroupeError('store/corrupt', `data of ${addressOf(id)} is damaged: the codec does not open it`, { address: addressOf(id), cause })
  }
}

/** A value on its way to or from a worker; '' stands for none. */
export const encodeValue = (codec: Codec, id: ActorId, value: unknown): string => (value === undefined ? '' : encodeFor(codec, id, encodeJson(value, true)))

export const decodeValue = (codec: Codec, id: ActorId, data: string): unknown => (data === '' ? undefined : decodeJson(decodeFor(codec, id, data)))

/** Messages of errors quote what users have sent, so they are user data as well. */
export const encodeError = (codec: Codec, id: ActorId, error: unknown, seq = 0): string => encodeFor(codec, id, JSON.stringify(toErrorInfo(error)), seq)

export const decodeError = (codec: Codec, id: ActorId, data: string, seq = 0): ErrorInfo => JSON.parse(decodeFor(codec, id, data, seq)) as ErrorInfo
