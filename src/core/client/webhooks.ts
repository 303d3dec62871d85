import { z } from 'zod'
import { changes, reads } from './operation.ts'
import { address, cursor, errorInfo, json, limit, time } from './views.ts'

const text = z.string()
const read = reads('webhooks')
const change = changes('webhooks')
const one = z.strictObject({ id: text })

/** Which steps a webhook hears of; all conditions hold at once. */
export const stepFilter = z.strictObject({
  machine: text.optional(), run: address.optional(), address: address.optional(),
  /** Kinds of steps: `event`, `task`, `failed`, … */
  kinds: z.array(text).max(20).optional(),
  /** Types of events. */
  events: z.array(text).max(100).optional(),
  /** Only steps after which the actor has come to an end or failed. */
  ended: z.boolean().optional(),
})

const about = {
  url: z.url().max(2_000), filter: stepFilter.optional(), description: z.string().max(500).optional(),
  /** `hmac` signs with a shared secret (`v1`), `ed25519` with a key of ours whose public half receivers know (`v1a`). */
  signature: z.enum(['hmac', 'ed25519']).optional(),
  /** Deliveries that failed for good, one after the other, before it is disabled. Default 10. */
  failuresMax: z.int().min(1).max(1_000).optional(),
}

export const webhook = z
  .object({
    id: text, url: text, description: text, filter: stepFilter, signature: z.enum(['hmac', 'ed25519']), /** Of Ed25519: what receivers verify with, `whpk_…`. */ publicKey: text.nullable(), failuresMax: z.int(),
    status: z.enum(['enabled', 'disabled']), disabledReason: text.nullable(), createdAt: time,
    statistics: z.object({ delivered: z.int(), failed: z.int(), retries: z.int(), failuresInARow: z.int(), lastAt: time.nullable(), lastStatus: z.int().nullable(), meanMs: z.number().nullable() }),
  })
  .meta({ id: 'Webhook' })

export const delivery = z
  .object({ id: text, at: time, /** Of the event it told of. */ address, seq: z.int(), type: text, outcome: z.enum(['delivered', 'failed']), attempts: z.int(), status: z.int().nullable(), ms: z.number(), error: errorInfo.nullable(), payload: json.optional() })
  .meta({ id: 'Delivery' })

export const webhookOperations = {
  createWebhook: change({ role: 'admin', http: 'POST /webhooks', summary: 'Register a webhook; the secret is shown this once', input: z.strictObject({ ...about, /** Standard Webhooks form, `whsec_…`; default: a random one. */ secret: z.string().max(200).optional(), idempotencyKey: z.string().min(1).max(255).optional() }), output: webhook.extend({ secret: text.nullable() }) }),
  listWebhooks: read({ http: 'GET /webhooks', summary: 'The registered webhooks with their statistics', input: z.strictObject({ cursor: cursor.optional(), limit: limit.optional() }), output: z.object({ webhooks: z.array(webhook), cursor: cursor.optional() }) }),
  webhook: read({ http: 'GET /webhooks/{id}', summary: 'One webhook', input: one, output: webhook }),
  updateWebhook: change({ role: 'admin', http: 'PATCH /webhooks/{id}', summary: 'Change a webhook, or enable it again', input: z.strictObject({ id: text, url: about.url.optional(), filter: about.filter, description: about.description, failuresMax: about.failuresMax, enabled: z.boolean().optional() }), output: webhook }),
  deleteWebhook: change({ role: 'admin', http: 'DELETE /webhooks/{id}', summary: 'Remove a webhook', input: one, output: z.object({ id: text }) }),
  listDeliveries: read({ http: 'GET /webhooks/{id}/deliveries', summary: 'The latest deliveries, newest first', input: z.strictObject({ id: text, limit: limit.optional() }), output: z.object({ deliveries: z.array(delivery) }) }),
  redeliver: change({ http: 'POST /webhooks/{id}/deliveries/{delivery}/replay', summary: 'Deliver once more', input: z.strictObject({ id: text, delivery: text }), output: delivery }),
  testWebhook: change({ http: 'POST /webhooks/{id}/test', summary: 'Deliver a test event now', input: one, output: delivery }),
}
