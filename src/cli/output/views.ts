import type { OutputOf } from '../../core/client/client.ts'
import type { ActorStatus } from '../../core/store.ts'
import { ago, clockTime, counted } from './format.ts'
import type { Output } from './output.ts'
import type { Column } from './table.ts'
import type { Painted, Text } from './text.ts'

/** What several commands show in the same way. */

type Actor = OutputOf<'listActors'>['actors'][number]
export type Step = OutputOf<'history'>['steps'][number]

const COLOURS = { active: 'green', paused: 'yellow', held: 'yellow', failed: 'red', done: 'dim', stopped: 'dim', cancelled: 'dim' } as const satisfies Readonly<Record<ActorStatus, unknown>>

export const paintStatus = (out: Output, status: ActorStatus): Painted => out.paint(COLOURS[status], status)

/** Seconds on a dumb value tell nobody anything: the message of a failure stands in the state's place. */
export const actorColumns = (out: Output, now = Date.now()): readonly Column<Actor>[] => [
  { head: 'ADDRESS', cell: ({ address }) => address, min: 16 },
  { head: 'STATUS', cell: ({ status }) => paintStatus(out, status), min: 9 },
  { head: 'STATE', cell: ({ states, failure }) => failure?.message ?? (states.join(' ') || '–'), min: 10 },
  { head: 'STEPS', cell: ({ seq }) => seq, align: 'right' },
  { head: 'WAITING', cell: ({ waiting, openTasks }) => [waiting > 0 ? counted(waiting, 'event') : '', openTasks > 0 ? counted(openTasks, 'task') : ''].filter(Boolean).join(', ') || '–', min: 7 },
  { head: 'CHANGED', cell: ({ updatedAt }) => ago(updatedAt, now), min: 9 },
]

export const statesOf = (states: readonly string[]): string => (states.length === 0 ? '' : states.join(' '))

/** `12:00:01.250  #7  order/42  event PAY → paid` */
export function stepLine(out: Output, step: Step, address?: string): readonly Text[] {
  // Of a task the event says it all: task.done, task.retry.
  const [kind, what] = step.kind === 'task' && step.event ? [step.event.type, ''] : [step.kind, step.event?.type ?? step.path ?? '']
  return [
    out.paint('dim', clockTime(step.at)), ' ', out.paint('dim', `#${step.seq}`.padStart(5)), '  ',
    ...(address === undefined ? [] : [out.paint('cyan', address), '  ']),
    kind, what === '' ? '' : ' ', out.paint('bold', what), ' → ', statesOf(step.states) || step.status,
    ...(step.status === 'active' ? [] : ['  ', paintStatus(out, step.status)]),
    ...(step.error ? ['  ', out.paint('red', step.error.message)] : []),
  ]
}

export const laidOut = (value: unknown): string => JSON.stringify(value, null, 2) ?? 'undefined'
