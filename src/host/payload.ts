import { TroupeError, toErrorInfo } from '../core/errors.ts'
import { createBorder, encodeJson, exceeds, seal } from '../core/json.ts'
import type { Definition } from './definition.ts'

/** What a machine says of what it is given. */
export type PayloadRules = Pick<Definition, 'events' | 'limits'>

/** Text of an event from outside. Throws `event/invalid`, `payload/too-large`. */
export function encodeEvent({ events, limits }: PayloadRules, address: string, event: unknown): string {
  const invalid = (message: string): TroupeError => new TroupeError('event/invalid', `${address}: ${message}`, { address })
  const { type } = (typeof event === 'object' && event !== null ? event : {}) as { type?: unknown }
  if (typeof type !== 'string' || type === '') throw invalid(`an event is an object with a string type, not ${preview(event)}`)
  if (type.startsWith('xstate.') || type.startsWith('troupe.')) throw invalid(`the event type '${type}' is reserved`)
  const checked = events[type]?.safeParse(event)
  if (checked && !checked.success) throw invalid(`event '${type}': ${checked.error.issues.map(({ path, message }) => `${path.join('.') || 'event'}: ${message}`).join('; ')}`)
  // A schema need not know the type: zod drops what it does not know.
  return encodePayload({ limits }, address, checked?.success ? { ...(checked.data as object), type } : event, 'event')
}

/** Text of what an actor is given. Throws `event/invalid` or `context/unserializable`, `payload/too-large`. */
export function encodePayload({ limits: { payloadBytesMax, jsonDepthMax } }: Pick<PayloadRules, 'limits'>, address: string, value: unknown, what: 'event' | 'input'): string {
  const border = createBorder(what === 'event' ? 'event/invalid' : 'context/unserializable', jsonDepthMax, false, address)
  seal(value, what, border)
  const text = encodeJson(value, border.tagged)
  const bytes = exceeds(text, payloadBytesMax)
  if (bytes === undefined) return text
  throw new TroupeError('payload/too-large', `the ${what} for ${address} has ${bytes} bytes, the limit payloadBytesMax is ${payloadBytesMax}`, { address, details: { bytes, limit: payloadBytesMax } })
}

const preview = (value: unknown): string => toErrorInfo(value).message.slice(0, 80)
