import type { GivenInput, ShownOutput } from '../core/client/handler.ts'
import type { WebhookEvent } from './event.ts'
import type { SignatureKind, SigningKey } from './signature.ts'
import type { Taken } from './take.ts'

/** The name under which the machine of webhooks is registered. */
export const WEBHOOK = 'troupe.webhook'

/** One delivery in the log: `attempts` of it, the last of which had this status and error. */
export type Delivery = Omit<ShownOutput<'listDeliveries'>['deliveries'][number], 'payload'>

/** What `updateWebhook` can change. */
export type Change = Pick<GivenInput<'updateWebhook'>, 'url' | 'filter' | 'description' | 'failuresMax'>

export interface WebhookInput extends Required<Change>, SigningKey {
  readonly id: string
  readonly signature: SignatureKind
  readonly createdAt: number
  /** Hash of what it was asked for with, so that the same request is known again. */
  readonly request: string
  /** The first position that it does not tell of. */
  readonly cursor: string
}

export interface WebhookContext extends WebhookInput {
  /** Taken, to be delivered in this order; those before `position` are. */
  readonly events: readonly WebhookEvent[]
  readonly position: number
  /** Attempts of the event at `position` that failed, and milliseconds until the next one. */
  readonly attempts: number
  readonly waitMs: number
  /** How long it waits for an event before it keeps its position, in milliseconds. */
  readonly idleMs: number
  readonly statistics: ShownOutput<'webhook'>['statistics']
  /** Deliveries logged so far; each has the place `n % LOG_MAX` in the log. */
  readonly logged: number
  readonly log: Readonly<Record<string, Delivery>>
  readonly disabledReason: string | null
}

/** Deliveries that are remembered. */
const LOG_MAX = 100
/** Without events a position is kept after a minute, then ever more seldom: it costs a commit, and saves reading at the next start. */
const IDLE_MS = 60_000
const IDLE_MS_MAX = 3_600_000

export const begin = (input: WebhookInput): WebhookContext => ({
  ...input,
  events: [], position: 0, attempts: 0, waitMs: 0, idleMs: IDLE_MS,
  statistics: { delivered: 0, failed: 0, retries: 0, failuresInARow: 0, lastAt: null, lastStatus: null, meanMs: null },
  logged: 0, log: {}, disabledReason: null,
})

/** What was taken takes the place of what is delivered. */
export function keepTaken(context: WebhookContext, { events, cursor, gap }: Taken, now: number): Partial<WebhookContext> {
  const idleMs = events.length > 0 ? IDLE_MS : Math.min(context.idleMs * 2, IDLE_MS_MAX)
  const kept = { events, cursor, position: 0, attempts: 0, idleMs }
  return gap === null ? kept : { ...kept, ...inLog(context, { at: now, address: `${WEBHOOK}/${context.id}`, seq: 0, type: 'webhook.gap', outcome: 'failed', attempts: 0, status: null, ms: 0, error: gap }) }
}

/** The delivery in the log and in the statistics. */
export function keepDelivery(context: WebhookContext, delivery: Omit<Delivery, 'id'>, failuresInARow?: number): Partial<WebhookContext> {
  const { delivered, failed, retries, meanMs } = context.statistics
  const isDone = delivery.outcome === 'delivered'
  const inARow = isDone ? 0 : context.statistics.failuresInARow + 1
  return {
    ...inLog(context, delivery),
    statistics: {
      delivered: delivered + (isDone ? 1 : 0),
      failed: failed + (isDone ? 0 : 1),
      retries: retries + delivery.attempts - 1,
      failuresInARow: failuresInARow ?? inARow,
      lastAt: delivery.at,
      lastStatus: delivery.status,
      meanMs: isDone ? ((meanMs ?? 0) * delivered + delivery.ms) / (delivered + 1) : meanMs,
    },
  }
}

function inLog({ log, logged }: WebhookContext, delivery: Omit<Delivery, 'id'>): Partial<WebhookContext> {
  return { logged: logged + 1, log: { ...log, [logged % LOG_MAX]: { id: String(logged + 1), ...delivery } } }
}

/** Newest first. */
export const deliveriesOf = ({ log }: WebhookContext): readonly Delivery[] => Object.values(log).toSorted((a, b) => Number(b.id) - Number(a.id))
