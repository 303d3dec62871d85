import { fanOut } from './fan-out.ts'
import type { FanOutPolicy, Reducer } from './fan-out.ts'
import { resolveMembers } from './member.ts'
import type { Members } from './member.ts'
import { isDone } from './team.ts'
import type { PatternOptions } from './team.ts'

export interface ParallelOptions extends PatternOptions {
  readonly members: Members
  /** What each is given. Default: the task. */
  readonly input?: (task: unknown, member: string) => unknown
  /** Default `all`. */
  readonly policy?: FanOutPolicy
  /** Default: the outputs by member, of those that are done. */
  readonly reduce?: Reducer<Readonly<Record<string, unknown>>>
}

/**
 * All members at the same task at once, `limits.concurrencyMax` at a time. Throws `config/invalid`.
 *
 * @example
 * const review = parallel({ name: 'review', members: ['structure', 'tests', 'docs'], policy: { quorum: 2 }, reduce: 'editor' })
 */
export function parallel({ members, input = task => task, policy = 'all', reduce, ...options }: ParallelOptions) {
  const resolved = resolveMembers(options.name, members)
  return fanOut<Readonly<Record<string, unknown>>>(options, {
    members: resolved,
    policy,
    reduce,
    plan: task => Object.keys(resolved).map(member => ({ member, task: input(task, member) })),
    collect: outcomes => Object.fromEntries(outcomes.filter(isDone).map(({ member, output }) => [member, output])),
  })
}
