import type { OutputOf } from '../../core/client/client.ts'
import type { DeadLetterState } from '../../core/store.ts'
import type { Call, Run } from '../command.ts'
import { readEvent } from '../input/read-json.ts'
import { ago } from '../output/format.ts'
import type { Output } from '../output/output.ts'
import { laidOut } from '../output/views.ts'

type Letter = OutputOf<'deadLetter'>

const typeOf = ({ event, task, kind }: Letter): string => task ?? (typeof event === 'object' && event !== null && !Array.isArray(event) && typeof event['type'] === 'string' ? event['type'] : kind)

export const list: Run<{ readonly address?: string; readonly state?: DeadLetterState; readonly limit?: number }> = async ({ options: { address, state, limit = 50 }, out, signal, client: connect }) => {
  const client = await connect()
  const page = await client.listDeadLetters({ limit, ...(address !== undefined && { address }), ...(state && { state }) }, { signal })
  out.answer(page, () => {
    if (page.letters.length === 0) return out.note('There are no dead letters.')
    out.table(page.letters, [
      { head: 'ID', cell: ({ id }) => id, min: 12 }, { head: 'ADDRESS', cell: letter => letter.address, min: 12 }, { head: 'KIND', cell: ({ kind }) => kind }, { head: 'WHAT', cell: typeOf },
      { head: 'CAUSE', cell: ({ cause }) => out.paint('red', cause.message), min: 12 }, { head: 'SINCE', cell: ({ at }) => ago(at), min: 9 },
    ])
    if (page.cursor !== undefined) out.note('There are more: --limit.')
  })
}

export const show: Run = async ({ args: [id = ''], out, signal, client: connect }) => {
  const client = await connect()
  const letter = await client.deadLetter({ id }, { signal })
  out.answer(letter, () => tellLetter(out, letter))
}

function tellLetter(out: Output, letter: Letter): void {
  const { id, address, at, state, kind, from, cause, reason, event } = letter
  const fact = (name: string, value: string): void => out.line(out.paint('dim', name.padEnd(8)), value)
  out.line(out.paint('bold', id), '  ', state, '  ', kind, ' ', typeOf(letter))
  fact('actor', address)
  if (from !== null) fact('from', from)
  fact('since', `${ago(at)} (${new Date(at).toISOString()})`)
  for (let error: typeof cause | undefined = cause; error; error = error.cause) fact('cause', `${error.message}${error.code === undefined ? '' : ` (${error.code})`}`)
  if (reason !== null) fact('reason', reason)
  out.line(out.paint('dim', 'content'))
  out.block(laidOut(event), '  ')
}

export const replay: Run<{ readonly event?: string }> = async call => {
  const event = call.options.event === undefined ? undefined : await readEvent(undefined, call.options.event)
  const client = await call.client()
  return each(call, 'Replayed', id => client.replayDeadLetter({ id, ...(event && { event }) }, { signal: call.signal }))
}

export const discard: Run<{ readonly reason?: string }> = async call => {
  const { reason } = call.options
  const client = await call.client()
  return each(call, 'Discarded', id => client.discardDeadLetter({ id, ...(reason !== undefined && { reason }) }, { signal: call.signal }))
}

/** One after the other; one that fails keeps no other from being tried. */
async function each({ args, out }: Call, done: string, resolve: (id: string) => Promise<Letter>): Promise<number | undefined> {
  let failed = 0
  for (const id of args) {
    try {
      const letter = await resolve(id)
      if (out.json) out.item(letter)
      else out.line(`${done} `, out.paint('bold', id), ` (${letter.address})`)
    } catch (error) {
      if (args.length === 1) throw error
      failed++
      out.error(error)
    }
  }
  return failed === 0 ? undefined : 1
}
