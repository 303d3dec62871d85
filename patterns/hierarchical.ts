import { TroupeError } from '../src/core/errors.ts'
import { defaultPatternLimits } from './limits.ts'
import type { Member, MemberOptions } from './member.ts'
import { supervisor } from './supervisor.ts'
import type { SupervisorOptions } from './supervisor.ts'

/** A supervisor whose members may be supervisors again. */
export interface Branch extends Omit<SupervisorOptions, 'name' | 'members' | 'limits' | 'capabilities'> {
  readonly members: Readonly<Record<string, Member | MemberOptions | Branch>>
}

export interface HierarchicalOptions extends Branch, Pick<SupervisorOptions, 'name' | 'limits' | 'capabilities'> {}

const isBranch = (entry: Member | MemberOptions | Branch): entry is Branch => typeof entry === 'object' && 'manager' in entry && 'members' in entry

/**
 * A tree of supervisors: each branch's manager decides for its members only and answers to the one above it. Limits and
 * failure policy hold for each of them. Throws `config/invalid`, also for a tree deeper than `limits.depthMax`.
 *
 * @example
 * const firm = hierarchical({ name: 'firm', manager: 'ceo', members: { law: { manager: 'partner', members: { a: 'associate', b: 'associate' } }, audit: 'auditor' } })
 */
export function hierarchical({ members, ...options }: HierarchicalOptions): ReturnType<typeof supervisor> {
  return grow(options, members, 1, options.limits?.depthMax ?? defaultPatternLimits.depthMax)
}

function grow(options: Omit<SupervisorOptions, 'members'>, members: Branch['members'], depth: number, depthMax: number): ReturnType<typeof supervisor> {
  const { name, limits } = options
  if (depth > depthMax) throw new TroupeError('config/invalid', `pattern '${name}' is a branch more than ${depthMax} deep, the limit depthMax: is it one of its own members?`)
  const grown = Object.entries(members).map(([key, entry]): [string, Member | MemberOptions] => {
    if (!isBranch(entry)) return [key, entry]
    const { members: below, ...branch } = entry
    return [key, grow({ ...branch, name: `${name}.${key}`, ...(limits && { limits }) }, below, depth + 1, depthMax)]
  })
  return supervisor({ ...options, members: Object.fromEntries(grown) })
}
