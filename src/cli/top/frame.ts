import { bytes, duration, ranges } from '../output/format.ts'
import type { Output } from '../output/output.ts'
import { tableLines } from '../output/table.ts'
import { shown } from '../output/text.ts'
import type { Text } from '../output/text.ts'
import { paintStatus, statesOf } from '../output/views.ts'
import type { Look } from './look.ts'

const BARS = '▁▂▃▄▅▆▇█'
const RATES = [['steps', 'steps'], ['commits', 'commits'], ['timersFired', 'timers'], ['taskRetries', 'retries'], ['deadLetters', 'dead letters']] as const

const perSecond = (rate: number): string => (rate >= 100 ? String(Math.round(rate)) : rate.toFixed(1))

/** One line of plain text, for where nobody looks at a screen. */
export function summary({ at, health, tally, rates }: Look): string {
  const tallied = new Map<string, number>()
  for (const { status, count } of tally.groups) tallied.set(status, (tallied.get(status) ?? 0) + count)
  return [new Date(at).toISOString(), health.ready ? 'ready' : 'not ready', ...RATES.map(([name, word]) => `${word}/s ${perSecond(rates[name] ?? 0)}`), ...[...tallied].map(([status, count]) => `${status} ${count}`), `tasks ${health.runningTasks}`, `late ${health.lagMs} ms`].join('  ')
}

/** The lines of one screen; each part gets what the parts above it have left. */
export function frame(out: Output, look: Look): readonly string[] {
  const { health, cluster, queues, tally, rates, steps } = look
  const line = (...parts: readonly Text[]): string => parts.map(part => shown(part).text).join('')
  const dim = (text: string): Text => out.paint('dim', text)
  const head = [
    line(out.paint('bold', 'troupe top'), '  ', health.ready ? out.paint('green', 'ready') : out.paint('red', `not ready: ${health.reasons.join('; ')}`), dim(`  ${health.node}  ${new Date(look.at).toTimeString().slice(0, 8)}  q quits`)),
    line(RATES.map(([name, word]) => `${word} ${perSecond(rates[name] ?? 0)}/s`).join('   ')),
    line(out.paint('cyan', sparkline(steps, Math.min(out.columns, 100)))),
    line(dim('memory '), `${bytes(health.memory.bytes)} of ${bytes(health.memory.bytesMax)}`, dim('   store '), health.store ? `${bytes(health.store.bytes)}${health.store.bytesMax === null ? '' : ` of ${bytes(health.store.bytesMax)}`}` : '–', dim('   tasks '), health.runningTasks, dim('   late '), duration(health.lagMs)),
  ]
  const table = <TRow>(rows: readonly TRow[], columns: Parameters<typeof tableLines<TRow>>[1]): readonly string[] => (rows.length === 0 ? [] : ['', ...tableLines(rows, columns, out.columns, text => out.paint('dim', text))])
  const nodes = table(cluster.nodes, [
    { head: 'NODE', cell: ({ node, isSelf }) => `${node}${isSelf ? ' *' : ''}`, min: 8 }, { head: 'PARTITIONS', cell: ({ partitions }) => `${partitions.length} (${ranges(partitions)})`, min: 8 },
    { head: 'ACTORS', cell: ({ liveActors }) => liveActors ?? '–', align: 'right' }, { head: 'TASKS', cell: ({ runningTasks }) => runningTasks ?? '–', align: 'right' }, { head: 'LATE', cell: ({ lagMs }) => (lagMs === undefined ? '–' : duration(lagMs)), align: 'right' },
  ])
  const queueLines = table(queues, [{ head: 'QUEUE', cell: ({ queue }) => queue }, { head: 'WAITING', cell: ({ waiting }) => Object.values(waiting).reduce((sum, count) => sum + count, 0), align: 'right' }, { head: 'RUNNING', cell: ({ active }) => active, align: 'right' }])
  const actors = table(tally.groups.toSorted((a, b) => b.count - a.count), [
    { head: 'MACHINE', cell: ({ machine }) => machine }, { head: 'STATUS', cell: ({ status }) => paintStatus(out, status) }, { head: 'STATE', cell: ({ states }) => statesOf(states) || '–', min: 8 }, { head: 'ACTORS', cell: ({ count }) => count, align: 'right' },
  ])
  return [...head, ...nodes, ...queueLines, ...actors]
}

function sparkline(values: readonly number[], width: number): string {
  const shownValues = values.slice(-width)
  const most = Math.max(1, ...shownValues)
  return shownValues.map(value => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * (BARS.length - 1)))]).join('')
}
