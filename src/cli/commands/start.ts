import { readJson } from '../input/read-json.ts'
import type { Run } from '../command.ts'
import { laidOut } from '../output/views.ts'

const PATIENCE_MS = 300_000

export const start: Run<{ readonly input?: string; readonly wait?: boolean; readonly timeout?: number; readonly idempotencyKey?: string }> = async ({ args, options, out, signal, client: connect }) => {
  const [machine = '', key] = args
  const { input: given, idempotencyKey, wait, timeout = PATIENCE_MS } = options
  const input = given === undefined ? undefined : await readJson(given, '--input')
  const client = await connect()
  const { address } = await client.startActor({ machine, ...(key !== undefined && { key }), ...(input !== undefined && { input }), ...(idempotencyKey !== undefined && { idempotencyKey }) }, { signal })
  if (!wait) return out.answer({ address }, () => out.line('Started ', out.paint('bold', address)))
  if (!out.json) out.note('Started ', address)
  const { output } = await client.result({ address, timeoutMs: timeout }, { signal })
  out.answer({ address, output }, () => out.block(laidOut(output)))
}
