import type { ActorInfo, ActorStatus, InputOf, LiveStep } from '../../../protocol.ts'
import type { Search } from '../../routing/location.ts'

export type ActorFilter = InputOf<'tallyActors'>

export const statuses: readonly ActorStatus[] = ['active', 'paused', 'held', 'failed', 'done', 'stopped', 'cancelled']

const MINUTE = 60_000
/** Names of ages in the address bar: changed within the last …, or not since …. */
export const ages = {
  '1m': { name: 'Changed in the last minute', ms: MINUTE, isOlder: false },
  '1h': { name: 'Changed in the last hour', ms: 60 * MINUTE, isOlder: false },
  '1d': { name: 'Changed in the last day', ms: 1_440 * MINUTE, isOlder: false },
  'idle-1h': { name: 'Unchanged for an hour', ms: 60 * MINUTE, isOlder: true },
  'idle-1d': { name: 'Unchanged for a day', ms: 1_440 * MINUTE, isOlder: true },
} as const

const isAge = (name: string | undefined): name is keyof typeof ages => name !== undefined && Object.hasOwn(ages, name)
const isStatus = (name: string | undefined): name is ActorStatus => statuses.includes(name as ActorStatus)

/** What the address bar asks for; words it does not know are left out, so that an old link still shows something. */
export function filterOf(search: Search, now: number): ActorFilter {
  const { machine, status, state, tag, run, text, age } = search
  const bound = isAge(age) ? ages[age] : undefined
  return {
    ...(machine && { machine }),
    ...(isStatus(status) && { status }),
    ...(state && { state }),
    ...(tag && { tag }),
    ...(run && { run }),
    ...(text && { text }),
    ...(bound && (bound.isOlder ? { updatedBefore: now - bound.ms } : { updatedAfter: now - bound.ms })),
  }
}

export const keyOf = (address: string): string => address.slice(address.indexOf('/') + 1)

/** Whether an actor passes a filter, judged as the server does; actors that do not change are never judged again. */
export function passes(filter: ActorFilter, actor: Pick<ActorInfo | LiveStep, 'address' | 'machine' | 'run' | 'status' | 'states' | 'tags'>): boolean {
  return (
    (filter.machine === undefined || filter.machine === actor.machine)
    && (filter.status === undefined || filter.status === actor.status)
    && (filter.state === undefined || actor.states.includes(filter.state))
    && (filter.tag === undefined || actor.tags.includes(filter.tag))
    && (filter.run === undefined || filter.run === actor.run)
    && (filter.text === undefined || keyOf(actor.address).includes(filter.text))
    && filter.updatedBefore === undefined
  )
}
