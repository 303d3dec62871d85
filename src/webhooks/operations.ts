import { createHash } from 'node:crypto'
import { parseAddress, addressOf, runOf } from '../core/address.ts'
import type { Client } from '../core/client/client.ts'
import type { Handlers, ShownOutput } from '../core/client/handler.ts'
import { TroupeError } from '../core/errors.ts'
import { defaultLimits, pageSize } from '../core/limits.ts'
import { eventOf, testEvent } from './event.ts'
import type { WebhookEvent } from './event.ts'
import { checkHost, checkUrl } from './guard.ts'
import { createKey } from './signature.ts'
import { WEBHOOK, deliveriesOf } from './state.ts'
import type { Delivery, WebhookContext, WebhookInput } from './state.ts'
import { present } from './take.ts'
import type { Webhooks } from './webhooks.ts'

type WebhookOperation = 'createWebhook' | 'listWebhooks' | 'webhook' | 'updateWebhook' | 'deleteWebhook' | 'listDeliveries' | 'redeliver' | 'testWebhook'

const FAILURES_MAX = 10
const DELIVERIES = 100

/** What answers the operations of webhooks. `history` is that of the client of this process. */
export function webhookHandlers(webhooks: Webhooks, history: Client['history']): Pick<Handlers, WebhookOperation> {
  const { ports: { actors, clock, random, follow }, options } = webhooks

  const stateOf: typeof actors.state = async (id, message) => {
    try {
      return await actors.state(id, message)
    } catch (error) {
      if (error instanceof TroupeError && ['actor/unknown', 'actor/ended', 'address/invalid'].includes(error.code)) throw new TroupeError('webhook/unknown', `there is no webhook ${id}`, { cause: error })
      throw error
    }
  }

  const check = async (url: string): Promise<void> => checkHost(checkUrl(url, options), options)

  /** Makes one attempt beside the order, and logs it. */
  const deliver = async (webhook: WebhookContext, event: WebhookEvent, signal: AbortSignal): Promise<Delivery> => {
    const { status, ms, error } = await (await webhooks.post()).deliver(webhook, event, signal)
    const { address, seq, type } = event
    const delivery = { at: clock.now(), address, seq, type, outcome: error ? 'failed' : 'delivered', attempts: 1, status, ms, error } as const
    return latest(await stateOf(webhook.id, { type: 'webhook.delivered', delivery }))
  }

  return {
    async createWebhook({ url, filter = {}, description = '', signature = 'hmac', failuresMax = FAILURES_MAX, secret, idempotencyKey }) {
      await check(url)
      const [{ ids }, key, cursor] = await Promise.all([actors.list({ limit: options.webhooksMax }), createKey(signature, secret), present(follow)])
      const id = idempotencyKey === undefined ? random.id() : hashOf(idempotencyKey)
      if (ids.length >= options.webhooksMax && !ids.includes(id)) throw new TroupeError('webhook/limit', `there are ${ids.length} webhooks, the limit webhooks.webhooksMax is ${options.webhooksMax}`)
      const request = hashOf({ url, filter, description, signature, failuresMax, secret })
      const input: WebhookInput = { id, url, filter, description, signature, failuresMax, createdAt: clock.now(), request, cursor, ...key }
      try {
        await actors.start(id, input)
      } catch (error) {
        if (!(error instanceof TroupeError) || error.code !== 'actor/exists') throw error
      }
      const known = await stateOf(id)
      if (known.request !== request) throw new TroupeError('event/conflict', `the idempotency key of webhook ${id} was used with another request`)
      // Whoever repeats the request has not got the answer; long after that nobody waits for one.
      const isShown = known.signature === 'hmac' && clock.now() - known.createdAt <= defaultLimits.idempotencyMs
      return { ...view(known), secret: isShown ? known.secret : null }
    },
    async listWebhooks(page) {
      const { ids, cursor } = await actors.list({ ...page, limit: pageSize(page.limit) })
      const states = await Promise.all(ids.map(id => stateOf(id).catch(unlessGone)))
      return { webhooks: states.flatMap(state => (state ? [view(state)] : [])), ...(cursor !== undefined && { cursor }) }
    },
    webhook: async ({ id }) => view(await stateOf(id)),
    async updateWebhook({ id, enabled, ...change }) {
      if (change.url !== undefined) await check(change.url)
      return view(await stateOf(id, { type: 'webhook.change', change, ...(enabled !== undefined && { isEnabled: enabled }) }))
    },
    async deleteWebhook({ id }) {
      await stateOf(id)
      await actors.stop(id)
      return { id }
    },
    async listDeliveries({ id, limit = DELIVERIES }) {
      return { deliveries: deliveriesOf(await stateOf(id)).slice(0, limit) }
    },
    async redeliver({ id, delivery }, { signal }) {
      const webhook = await stateOf(id)
      const found = deliveriesOf(webhook).find(known => known.id === delivery)
      if (!found || found.seq === 0) throw new TroupeError('webhook/unknown', `webhook ${id} has no delivery ${delivery} of an event in its log`)
      return deliver(webhook, await retold(history, id, found), signal)
    },
    async testWebhook({ id }, { signal }) {
      return deliver(await stateOf(id), testEvent(`${WEBHOOK}/${id}`, random.id(), clock.now()), signal)
    },
  }
}

/** The event of a delivery, made again of the journal. */
async function retold(history: Client['history'], webhook: string, { address, seq }: Delivery): Promise<WebhookEvent> {
  const { steps: [step] } = await history({ address, from: seq - 1, limit: 1 })
  if (step?.seq !== seq) throw new TroupeError('history/trimmed', `step ${seq} of ${address} is not retained any more`, { address })
  return eventOf(webhook, { ...step, address, run: addressOf(runOf(parseAddress(address))) })
}

/** One that was deleted since it was listed is none. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof TroupeError && error.code === 'webhook/unknown')) throw error
}

const latest = (context: WebhookContext): Delivery => deliveriesOf(context)[0] as Delivery

/** What everybody may see: all but the key that signs. */
function view({ id, url, description, filter, signature, publicKey, failuresMax, disabledReason, createdAt, statistics }: WebhookContext): ShownOutput<'webhook'> {
  return { id, url, description, filter, signature, publicKey, failuresMax, status: disabledReason === null ? 'enabled' : 'disabled', disabledReason, createdAt, statistics }
}

const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22)
