import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { liveStep } from '../core/client/live.ts'
import type { ErrorInfo } from '../core/errors.ts'

/** What a receiver is told, one JSON object per delivery. */
export interface WebhookEvent {
  /** The same on every delivery of this event, and in `webhook-id`. */
  readonly id: string
  /** `actor.` and the kind of step, or `webhook.test`. */
  readonly type: string
  /** When the step ran, ISO 8601. */
  readonly time: string
  readonly address: string
  readonly run: string
  readonly seq: number
  readonly kind: string
  /** What the actor received; null where the step had another cause. */
  readonly event: { readonly type: string; readonly [key: string]: unknown } | null
  /** The state after it. */
  readonly states: readonly string[]
  readonly status: string
  readonly failure: ToldError | null
  /** The event was too large to tell: only its type stands here, the rest in the actor's history. */
  readonly truncated?: true
}

/** What is told of an error: no stack and no causes, which are nobody's business outside. */
export type ToldError = Pick<ErrorInfo, 'name' | 'message' | 'code'>

export const tell = ({ name, message, code }: ToldError): ToldError => ({ name, message, ...(code !== undefined && { code }) })

/** What a webhook tells of one step. */
export type ToldStep = Pick<z.output<typeof liveStep>, 'address' | 'run' | 'seq' | 'at' | 'kind' | 'event' | 'states' | 'status' | 'error'>

/** UTF-8 bytes of what is told of one step; over it the event's payload stays out. */
const EVENT_BYTES_MAX = 256 << 10

/** The event of a step: the same one whenever it is made. */
export function eventOf(webhook: string, { address, run, seq, at, kind, event, states, status, error }: ToldStep): WebhookEvent {
  const told: WebhookEvent = {
    // With its time: after its retention an address can begin anew, and count from 1 again.
    id: `msg_${createHash('sha256').update(JSON.stringify([webhook, address, seq, at])).digest('base64url').slice(0, 27)}`,
    type: `actor.${kind}`,
    time: new Date(at).toISOString(),
    address, run, seq, kind,
    event: event ?? null,
    states, status,
    failure: error ? tell(error) : null,
  }
  return event === undefined || sizeOf(told) <= EVENT_BYTES_MAX ? told : { ...told, event: { type: event.type }, truncated: true }
}

export const sizeOf = (event: WebhookEvent): number => Buffer.byteLength(JSON.stringify(event))

/** What a test delivers: no step, but of the same shape. */
export const testEvent = (address: string, id: string, now: number): WebhookEvent => ({
  id: `msg_${id}`, type: 'webhook.test', time: new Date(now).toISOString(), address, run: address, seq: 0, kind: 'test', event: null, states: [], status: 'active', failure: null,
})
