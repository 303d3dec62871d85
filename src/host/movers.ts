import { addressOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { ActorDocument } from '../core/document.ts'
import type { Definition } from './definition.ts'
import { outlookOf } from './xstate/outlook.ts'
import type { Outlook } from './xstate/outlook.ts'

/** Something that may still move an active actor; the name is a type of event, the id of a task or a durable child, a path. */
export interface Mover {
  readonly kind: 'event' | 'task' | 'child' | 'timer' | 'code' | 'messages'
  readonly name: string
}

/** All that may still move an active actor, and what has ended without moving it on. A guard that is false now may be true for another event. */
export function moversOf({ logic }: Definition, { snapshot, timers, tasks, cancelAt }: Pick<ActorDocument, 'snapshot' | 'timers' | 'tasks' | 'cancelAt'>, parked: number): { readonly movers: readonly Mover[]; readonly ended: Outlook['ended'] } {
  const { events, children, code, ended } = outlookOf(logic, snapshot)
  const of = (kind: Mover['kind'], names: Iterable<string>): Mover[] => Array.from(names, name => ({ kind, name }))
  const due = [...Object.values(timers).map(({ id }) => id), ...(cancelAt === null ? [] : ['cancel'])]
  const movers = [...of('task', Object.keys(tasks)), ...of('child', children), ...of('timer', due), ...of('messages', parked > 0 ? [`${parked}`] : []), ...of('code', code), ...of('event', events)]
  return { movers, ended }
}

/** As people read it. */
export function nameMover({ kind, name }: Mover): string {
  switch (kind) {
    case 'event':
      return `the event ${name}`
    case 'child':
      return `its child ${addressOf(name as ActorId)}`
    case 'messages':
      return `${name} messages that wait for it`
    case 'code':
      return name === '' ? 'its own code' : `the code of its child ${name}`
    case 'task':
    case 'timer':
      return `its ${kind} ${name}`
  }
}
