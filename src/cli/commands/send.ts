import { TroupeError } from '../../core/errors.ts'
import type { InputOf } from '../../core/client/client.ts'
import type { Run } from '../command.ts'
import { readEvent } from '../input/read-json.ts'
import { tellSnapshot } from './show.ts'

interface Options {
  readonly event?: string
  readonly idempotencyKey?: string
}

const PATIENCE_MS = 30_000

export const send: Run<Options> = async ({ args, options, out, signal, client: connect }) => {
  const [address = '', type] = args
  const event = await readEvent(type, options.event)
  const client = await connect()
  const answer = await client.sendEvent({ address, event, ...(options.idempotencyKey !== undefined && { idempotencyKey: options.idempotencyKey }) }, { signal })
  out.answer(answer, () => out.line('Accepted: ', event.type, ' to ', out.paint('bold', address)))
}

export const ask: Run<Options & { readonly until?: string; readonly timeout?: number }> = async ({ args, options, out, signal, client: connect }) => {
  const [address = '', type] = args
  const { idempotencyKey, timeout = PATIENCE_MS } = options
  const event = await readEvent(type, options.event)
  const until = readUntil(options.until)
  const client = await connect()
  const snapshot = await client.askActor({ address, event, until, timeoutMs: timeout, ...(idempotencyKey !== undefined && { idempotencyKey }) }, { signal })
  out.answer(snapshot, () => tellSnapshot(out, snapshot))
}

function readUntil(given = 'processed'): NonNullable<InputOf<'askActor'>['until']> {
  if (given === 'processed' || given === 'reply') return given
  const tag = /^tag:(.+)$/s.exec(given)?.[1]
  if (tag === undefined) throw new TroupeError('usage/invalid', `--until must be processed, reply or tag:NAME, not '${given}'`)
  return { tag }
}
