import type { OutputOf } from '../../core/client/client.ts'
import type { Run } from '../command.ts'
import { ago, duration } from '../output/format.ts'
import type { Output } from '../output/output.ts'

type Webhook = OutputOf<'webhook'>
type Delivery = OutputOf<'redeliver'>

export const list: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const page = await client.listWebhooks({}, { signal })
  out.answer(page, () => {
    if (page.webhooks.length === 0) return out.note('There are no webhooks: `troupe webhooks create URL`.')
    out.table(page.webhooks, [
      { head: 'ID', cell: ({ id }) => id, min: 8 }, { head: 'URL', cell: ({ url }) => url, min: 16 },
      { head: 'STATUS', cell: ({ status }) => out.paint(status === 'enabled' ? 'green' : 'red', status) },
      { head: 'DELIVERED', cell: ({ statistics }) => statistics.delivered, align: 'right' }, { head: 'FAILED', cell: ({ statistics }) => statistics.failed, align: 'right' },
      { head: 'LAST', cell: ({ statistics: { lastAt, lastStatus } }) => (lastAt === null ? '–' : `${lastStatus ?? 'no answer'}, ${ago(lastAt)}`) },
    ])
  })
}

export const create: Run<{ readonly machine?: string; readonly event?: readonly string[]; readonly ended?: boolean; readonly description?: string; readonly signature?: 'hmac' | 'ed25519' }> = async ({ args: [url = ''], options, out, signal, client: connect }) => {
  const { machine, event: events, ended, description, signature } = options
  const filter = { ...(machine !== undefined && { machine }), ...(events && { events: [...events] }), ...(ended && { ended }) }
  const client = await connect()
  const made = await client.createWebhook({ url, filter, ...(description !== undefined && { description }), ...(signature && { signature }) }, { signal })
  out.answer(made, () => {
    tellWebhook(out, made)
    if (made.secret !== null) out.line(out.paint('dim', 'secret'.padEnd(12)), made.secret, out.paint('yellow', '  keep it: it is shown this once'))
  })
}

export const show: Run = async ({ args: [id = ''], out, signal, client: connect }) => {
  const client = await connect()
  const hook = await client.webhook({ id }, { signal })
  out.answer(hook, () => tellWebhook(out, hook))
}

function tellWebhook(out: Output, { id, url, description, filter, signature, publicKey, status, disabledReason, statistics: { delivered, failed, retries, meanMs } }: Webhook): void {
  const fact = (name: string, value: string): void => out.line(out.paint('dim', name.padEnd(12)), value)
  out.line(out.paint('bold', id), '  ', url)
  fact('status', disabledReason === null ? status : `${status}: ${disabledReason}`)
  if (description !== '') fact('for', description)
  fact('hears of', Object.keys(filter).length === 0 ? 'all steps' : JSON.stringify(filter))
  fact('signature', publicKey === null ? signature : `${signature}, verify with ${publicKey}`)
  fact('deliveries', `${delivered} delivered, ${failed} failed, ${retries} retries${meanMs === null ? '' : `, ${duration(meanMs)} on average`}`)
}

export const remove: Run = async ({ args: [id = ''], out, signal, client: connect }) => {
  const client = await connect()
  const removed = await client.deleteWebhook({ id }, { signal })
  out.answer(removed, () => out.line('Removed ', out.paint('bold', id)))
}

export const deliveries: Run<{ readonly limit?: number }> = async ({ args: [id = ''], options: { limit = 50 }, out, signal, client: connect }) => {
  const client = await connect()
  const page = await client.listDeliveries({ id, limit }, { signal })
  out.answer(page, () => (page.deliveries.length === 0 ? out.note('Nothing was delivered yet.') : tellDeliveries(out, page.deliveries)))
}

export const replay: Run = async ({ args: [id = '', delivery = ''], out, signal, client: connect }) => {
  const client = await connect()
  const again = await client.redeliver({ id, delivery }, { signal })
  out.answer(again, () => tellDeliveries(out, [again]))
  return again.outcome === 'delivered' ? undefined : 1
}

function tellDeliveries(out: Output, shown: readonly Delivery[]): void {
  out.table(shown, [
    { head: 'ID', cell: ({ id }) => id, min: 8 }, { head: 'WHEN', cell: ({ at }) => ago(at), min: 9 }, { head: 'ACTOR', cell: ({ address, seq }) => `${address} #${seq}`, min: 12 }, { head: 'TYPE', cell: ({ type }) => type },
    { head: 'OUTCOME', cell: ({ outcome, status, error }) => out.paint(outcome === 'delivered' ? 'green' : 'red', `${outcome}${status === null ? '' : ` ${status}`}${error ? `: ${error.message}` : ''}`), min: 9 },
    { head: 'TRIES', cell: ({ attempts }) => attempts, align: 'right' }, { head: 'TOOK', cell: ({ ms }) => duration(ms), align: 'right' },
  ])
}
