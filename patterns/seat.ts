import { enqueueActions, sendParent, sendTo, setup } from 'xstate'
import type { DoneActorEvent, ErrorActorEvent, UnknownActorLogic } from 'xstate'
import { z } from 'zod'
import type { AgentInput, AgentReport, Content, Message } from '../machines/agent/index.ts'
import { asOutcome, isOutcome, noUsage } from '../machines/outcome.ts'
import type { Outcome, Usage } from '../machines/outcome.ts'
import { memberLogic } from './member.ts'
import type { MemberOptions } from './member.ts'

export interface SeatInput {
  /** Its own id, which it signs with. */
  readonly seat: string
  readonly member: string
  /** What the member's session begins with. */
  readonly session: AgentInput
}

/** What came of a turn; of one that ends in a handoff with `{ to, reason, messages }` as output. */
export interface SeatReport {
  readonly type: 'seat.told'
  readonly seat: string
  readonly outcome: Outcome
}

type SeatEvent = { readonly type: 'seat.say'; readonly content: Content } | AgentReport | DoneActorEvent | ErrorActorEvent

const SESSION = 'session'

const lost = (status: Outcome['status'], reason: string): Outcome => ({ kind: 'outcome', status, output: null, reason, usage: noUsage })

/**
 * A session of one member, held by a pattern: hands it a turn at a time and tells what came of it. It is over, with an
 * outcome as output, when the session has ended, has thrown, or takes too long; stopping it stops the session.
 */
export function seat(members: Readonly<Record<string, MemberOptions>>, timeoutMs: number) {
  return setup({
    types: { context: {} as Omit<SeatInput, 'session'> & { readonly outcome: Outcome }, input: {} as SeatInput, events: {} as SeatEvent, output: {} as Outcome },
    actors: Object.fromEntries(Object.entries(members).map(([name, { member }]) => [name, memberLogic(member)] as const)) as Record<string, UnknownActorLogic>,
    delays: { patience: timeoutMs },
    actions: {
      // The conversation so far is the session's and stands in no other checkpoint.
      open: enqueueActions(({ event, enqueue }) => {
        const { input } = event as unknown as { readonly input: SeatInput }
        enqueue.spawnChild(input.member, { id: SESSION, input: { ...input.session, reports: true } })
      }),
      tell: sendParent(({ context }, outcome: Outcome) => ({ type: 'seat.told', seat: context.seat, outcome }) satisfies SeatReport),
    },
  }).createMachine({
    id: 'seat',
    context: ({ input: { seat: id, member } }) => ({ seat: id, member, outcome: lost('failed', 'the session is open') }),
    entry: 'open',
    initial: 'idle',
    on: {
      'xstate.done.actor.*': { target: '.over', actions: enqueueActions(({ event, enqueue }) => enqueue.assign({ outcome: ended(answered(event.output)) })) },
      'xstate.error.actor.*': { target: '.over', actions: enqueueActions(({ event, enqueue }) => enqueue.assign({ outcome: lost('failed', textOf((event as ErrorActorEvent).error)) })) },
    },
    states: {
      idle: { on: { 'seat.say': { target: 'busy', actions: sendTo(SESSION, ({ event }) => ({ type: 'user.message', content: event.content })) } } },
      busy: {
        on: {
          'agent.answered': { target: 'idle', actions: { type: 'tell', params: ({ event }) => answered(event.outcome) } },
          'agent.handed-off': { target: 'idle', actions: { type: 'tell', params: ({ event }) => handedOff(event) } },
        },
        after: { patience: { target: 'over', actions: enqueueActions(({ enqueue }) => enqueue.assign({ outcome: lost('timeout', `it took longer than ${timeoutMs} ms`) })) } },
      },
      over: { type: 'final' },
    },
    output: ({ context }) => context.outcome,
  })
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A session has no task to be done with: whatever it ends with, nobody can go on with it. */
const ended = (outcome: Outcome): Outcome => (outcome.status === 'done' ? { ...outcome, status: 'failed', reason: 'its session has ended' } : outcome)

/** Sessions may be machines of users, so their reports may be anything. */
const report = z.object({ to: z.string(), reason: z.string().catch(''), messages: z.array(z.custom<Message>(message => typeof message === 'object' && message !== null)).catch([]) })

function handedOff(event: unknown): Outcome {
  const { success, data } = report.safeParse(event)
  const { usage } = event as { readonly usage?: Usage }
  const outcome = { kind: 'outcome', status: 'handed-off', output: data, reason: null, usage }
  if (!success) return lost('failed', 'it has handed over to nobody')
  return isOutcome(outcome) ? outcome : { ...outcome, kind: 'outcome', status: 'handed-off', usage: noUsage }
}

const answered = (given: unknown): Outcome => {
  const outcome = asOutcome(given)
  return outcome.status === 'handed-off' ? handedOff({ ...(outcome.output as object | null), usage: outcome.usage }) : outcome
}
