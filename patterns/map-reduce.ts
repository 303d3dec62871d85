import { fanOut } from './fan-out.ts'
import type { FanOutPolicy, Reducer } from './fan-out.ts'
import { resolveMembers } from './member.ts'
import type { Member, MemberOptions } from './member.ts'
import { isDone } from './team.ts'
import type { PatternOptions } from './team.ts'

export interface MapReduceOptions extends PatternOptions {
  /** Given each item as its task. */
  readonly map: Member | MemberOptions
  /** The items of a task. Default: the task is a list of them. */
  readonly items?: (task: unknown) => readonly unknown[]
  /** Default `all`. */
  readonly policy?: FanOutPolicy
  /** Default: the outputs in the order of the items, null for an item that is not done. */
  readonly reduce?: Reducer<readonly unknown[]>
}

/**
 * One piece of work per item, `limits.concurrencyMax` at a time, then one result of all. Throws `config/invalid`.
 *
 * @example
 * const reviewAll = mapReduce({ name: 'review-all', map: remote('reviewer', { spread: true }), policy: 'settled', limits: { concurrencyMax: 8 } })
 * await runtime.actor(reviewAll, 'today').start({ task: files })
 */
export function mapReduce({ map, items = itemsOf, policy = 'all', reduce, ...options }: MapReduceOptions) {
  return fanOut<readonly unknown[]>(options, {
    members: resolveMembers(options.name, { map }),
    policy,
    reduce,
    plan: task => items(task).map(item => ({ member: 'map', task: item })),
    collect: outcomes => outcomes.map(outcome => (isDone(outcome) ? outcome.output : null)),
  })
}

function itemsOf(task: unknown): readonly unknown[] {
  if (Array.isArray(task)) return task
  throw new Error('the task is no list; say with `items` what the items of it are')
}
