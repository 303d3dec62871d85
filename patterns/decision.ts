import { z } from 'zod'
import { setup } from 'xstate'
import type { MemberInput, OutcomeStatus } from '../machines/outcome.ts'

/** What a manager puts out: work for members, all at once, or the end. An agent decides with `output: decision`. */
export const decision = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('delegate'), tasks: z.array(z.object({ member: z.string(), task: z.unknown() })).min(1) }),
  z.object({ kind: z.literal('finish'), answer: z.unknown() }),
])

export type Decision = z.infer<typeof decision>

/** What came of a piece of work, as the manager is told. */
export interface Report {
  readonly member: string
  readonly task: unknown
  readonly status: OutcomeStatus
  readonly output: unknown
  readonly reason: string | null
}

/** What a manager is given. */
export interface Briefing {
  readonly task: unknown
  readonly members: readonly { readonly name: string; readonly description: string }[]
  /** 1 for the first. */
  readonly turn: number
  readonly turnsMax: number
  /** Of all work so far, in the order in which it was given out. */
  readonly reports: readonly Report[]
  /** Why the last decision was not carried out. */
  readonly mistake: string | null
}

/** A pure function of what it is given, as a member. */
export const functionMember = <TTask>(decide: (task: TTask) => unknown) =>
  setup({ types: { context: {} as { readonly task: TTask }, input: {} as MemberInput } }).createMachine({
    id: 'function',
    context: ({ input }) => ({ task: input.task as TTask }),
    initial: 'decided',
    states: { decided: { type: 'final' } },
    output: ({ context }) => decide(context.task),
  })
