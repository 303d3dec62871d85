import type { AnyActorLogic } from 'xstate'
import type { ZodType } from 'zod'
import { readBreakerUse } from '../machines/permit.ts'
import type { BreakerUse } from '../machines/permit.ts'
import { isName } from '../src/core/address.ts'
import { catalogueEntryOf } from '../src/core/catalogue.ts'
import { TroupeError } from '../src/core/errors.ts'
import { remote, remoteMachineOf } from '../src/core/remote.ts'
import type { RetryPolicy } from '../src/core/retry.ts'

/** Who does a piece of work: the name of a registered machine (a durable actor for each piece), or actor logic as it is. Both are given `MemberInput`. */
export type Member = string | AnyActorLogic

/** Whether an output will do: a schema, whose result takes its place, or a function that says true, false or what is wrong. */
export type Validation = ZodType | ((output: unknown) => boolean | string)

/** How a piece of work is given to a member, and what becomes of one that is not done. */
export interface MemberPolicy {
  /** Milliseconds of one attempt. Default `limits.memberTimeoutMs`. */
  readonly timeoutMs?: number
  /** Attempts in all, or more about them; they wait without jitter. Default 1: agents and tasks have retries of their own. */
  readonly retry?: Partial<RetryPolicy> | number
  readonly validate?: Validation
  /** Who does it when the member has not, after all its attempts. */
  readonly fallback?: Member
  /**
   * A circuit breaker that is asked before each attempt of the member, and told how it went: its address, or more. While it
   * is open the fallback does the work; without a fallback the work waits, at most `timeoutMs`, or fails.
   */
  readonly breaker?: string | BreakerUse
}

export interface MemberOptions extends MemberPolicy {
  readonly member: Member
}

/** Members by name; in a list they are called what they are registered as, or what they call themselves. */
export type Members = Readonly<Record<string, Member | MemberOptions>> | readonly (Member | MemberOptions)[]

const isLogic = (value: unknown): value is AnyActorLogic => typeof value === 'object' && value !== null && typeof (value as Partial<AnyActorLogic>).transition === 'function'

/** A name stands for a durable actor of its own. */
export const memberLogic = (member: Member): AnyActorLogic => (typeof member === 'string' ? remote(member) : member)

/** What a member is called where nobody has named it. */
export const memberName = (member: Member): string => (typeof member === 'string' ? member : (remoteMachineOf(member) ?? catalogueEntryOf(member)?.name ?? (member as { readonly id?: string }).id ?? 'member'))

/** Members with their options, by name. Throws `config/invalid` naming pattern and member. */
export function resolveMembers(pattern: string, members: Members): Readonly<Record<string, MemberOptions>> {
  const entries = Array.isArray(members) ? nameAll(members as readonly (Member | MemberOptions)[]) : Object.entries(members as Readonly<Record<string, Member | MemberOptions>>)
  if (entries.length === 0) throw new TroupeError('config/invalid', `pattern '${pattern}' has no members`)
  return Object.fromEntries(entries.map(([name, entry]) => [name, checkMember(pattern, name, withOptions(entry))]))
}

/** The members with one more, who has a role in the pattern. Throws `config/invalid` when a member has the name of the role. */
export function withRole(pattern: string, members: Readonly<Record<string, MemberOptions>>, role: string, entry: Member | MemberOptions): Readonly<Record<string, MemberOptions>> {
  if (Object.hasOwn(members, role)) throw new TroupeError('config/invalid', `pattern '${pattern}': no member can be called '${role}', which is a role of it`)
  return { ...members, ...resolveMembers(pattern, { [role]: entry }) }
}

const withOptions = (entry: Member | MemberOptions): MemberOptions => (typeof entry === 'object' && entry !== null && !isLogic(entry) ? entry : { member: entry })

/** Those who are called the same are numbered. */
function nameAll(members: readonly (Member | MemberOptions)[]): [string, Member | MemberOptions][] {
  const taken = new Set<string>()
  return members.map(entry => {
    const called = memberName(withOptions(entry).member)
    let name = called
    for (let count = 2; taken.has(name); count++) name = `${called}-${count}`
    taken.add(name)
    return [name, entry]
  })
}

function checkMember(pattern: string, name: string, options: MemberOptions): MemberOptions {
  // Members are keys of plain objects, which have some of their own: `constructor`, say.
  if (!isName(name) || name in Object.prototype) throw new TroupeError('config/invalid', `pattern '${pattern}': ${JSON.stringify(name)} cannot name a member`)
  const { member, fallback, timeoutMs, breaker } = options
  for (const [option, value] of Object.entries({ member, ...(fallback !== undefined && { fallback }) })) {
    const isMember = typeof value === 'string' ? isName(value) : isLogic(value)
    if (!isMember) throw new TroupeError('config/invalid', `pattern '${pattern}': ${option} of '${name}' is neither the name of a machine nor actor logic`)
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && Number.isFinite(timeoutMs))) throw new TroupeError('config/invalid', `pattern '${pattern}': timeoutMs of '${name}' must be a positive number of milliseconds, not ${timeoutMs}`)
  if (breaker !== undefined) readBreakerUse(`pattern '${pattern}', member '${name}'`, breaker)
  return options
}
