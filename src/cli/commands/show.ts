import type { OutputOf } from '../../core/client/client.ts'
import type { Run } from '../command.ts'
import { ago, until } from '../output/format.ts'
import type { Output } from '../output/output.ts'
import type { Text } from '../output/text.ts'
import { laidOut, paintStatus, statesOf } from '../output/views.ts'

type Snapshot = OutputOf<'snapshot'>
type Event = OutputOf<'listEvents'>['events'][number]

export const show: Run<{ readonly at?: number }> = async ({ args, options, out, signal, client: connect }) => {
  const [address = ''] = args
  const client = await connect()
  const snapshot = await client.snapshot({ address, ...(options.at !== undefined && { at: options.at }) }, { signal })
  const { events } = await client.listEvents({ address, ...(options.at !== undefined && { at: options.at }) }, { signal })
  out.answer({ ...snapshot, events }, () => {
    tellSnapshot(out, snapshot)
    tellEvents(out, events)
  })
}

export function tellSnapshot(out: Output, snapshot: Snapshot): void {
  const { address, machine, version, run, parent, status, states, tags, seq, lastSeq, context, output, error, failure, children, timers, tasks, waiting, createdAt, updatedAt } = snapshot
  const fact = (name: string, ...value: readonly Text[]): void => out.line(out.paint('dim', name.padEnd(10)), ...value)
  out.line(out.paint('bold', address), '  ', paintStatus(out, status), '  ', statesOf(states))
  fact('machine', machine, version === '' ? '' : ` version ${version}`)
  fact('step', seq, seq === lastSeq ? '' : ` of ${lastSeq}`, `, ${ago(updatedAt)}; started ${ago(createdAt)}`)
  if (run !== address) fact('run', run, parent === null || parent === run ? '' : `, child of ${parent}`)
  if (tags.length > 0) fact('tags', tags.join(' '))
  if (waiting > 0) fact('waiting', `${waiting} events`)
  for (const { event, dueAt } of timers) fact('timer', timerName(event), ' ', until(dueAt))
  for (const { name, attempt, dueAt } of tasks) fact('task', name, `, attempt ${attempt}`, dueAt === null ? ' runs' : ` ${until(dueAt)}`)
  for (const { src, address: own, kind, status: how, value } of children) fact('child', own ?? src, out.paint('dim', ` ${kind} `), how, typeof value === 'string' ? ` ${value}` : '')
  for (const cause of [failure, error]) if (cause) fact('error', out.paint('red', cause.message), cause.code === undefined ? '' : ` (${cause.code})`)
  if (context !== null) tellJson(out, 'context', context)
  if (output !== undefined) tellJson(out, 'output', output)
  if (snapshot.reply !== undefined) tellJson(out, 'reply', snapshot.reply)
}

/** XState's own name of a delayed transition is none that people gave. */
const timerName = (event: string): string => event.replace(/^xstate\.after\.(\w+)\.(.+)$/, 'after $1 in $2')

function tellJson(out: Output, name: string, value: unknown): void {
  out.line(out.paint('dim', name))
  out.block(laidOut(value), '  ')
}

export function tellEvents(out: Output, events: readonly Event[]): void {
  if (events.length === 0) return
  out.line(out.paint('dim', 'events'))
  out.table(events.toSorted((a, b) => Number(b.legal) - Number(a.legal)), [
    { head: '  TYPE', cell: ({ type }) => `  ${type}`, min: 12 },
    { head: 'NOW', cell: ({ legal, guarded }) => (legal ? out.paint('green', guarded ? 'if its guard says so' : 'yes') : out.paint('dim', 'no')), min: 3 },
    { head: 'WHY NOT', cell: ({ reason }) => reason ?? '', min: 8 },
  ])
}
