import { assign, enqueueActions, sendParent, setup } from 'xstate'
import type { DoneActorEvent } from 'xstate'
import { z } from 'zod'
import { agentEvents } from '../machines/agent/context.ts'
import type { AgentInput, AgentReport, Content } from '../machines/agent/index.ts'
import { addUsage, noUsage } from '../machines/outcome.ts'
import type { Outcome, PatternOutcome, Usage } from '../machines/outcome.ts'
import { catalogued } from '../src/core/catalogue.ts'
import { TroupeError } from '../src/core/errors.ts'
import { askAtHand, reply } from '../src/core/targets.ts'
import { afterPart, beginTurn } from './handoff-turn.ts'
import type { HandoffRules, Next, Turn, Waiting } from './handoff-turn.ts'
import type { History } from './history.ts'
import { resolvePatternLimits } from './limits.ts'
import { resolveMembers } from './member.ts'
import type { Member } from './member.ts'
import { seat } from './seat.ts'
import type { SeatInput, SeatReport } from './seat.ts'
import type { PatternOptions } from './team.ts'

export interface HandoffOptions extends PatternOptions {
  /** Agents, or machines of your own that speak as agents in a session do, by the names they hand over to. */
  readonly members: Readonly<Record<string, Member>>
  /** Who has control first. */
  readonly start: string
  /** Default `full`. */
  readonly history?: History
  /** Handoffs in one turn of the user. Default 10. */
  readonly handoffsMax?: number
  /** Handoffs from one to the same other in one turn. Default 2. */
  readonly repeatsMax?: number
  /** Handoffs in one turn to agents that there are not; each is told to who tried. Default 2. */
  readonly mistakesMax?: number
  /** What a turn comes to when who has control fails: the failure is its outcome, or the first one gets control back. Default `fail`. */
  readonly onFailure?: 'fail' | 'start'
  /** Messages that wait for their turn; a further one is refused. Default 100. */
  readonly queueMax?: number
}

export interface HandoffContext {
  readonly isSession: boolean
  readonly reports: boolean
  /** What the agents' instructions and tools may know, as in `AgentInput`. */
  readonly data: unknown
  readonly depth: number
  /** Who has control. */
  readonly active: string
  /** The child that holds its session; null before its first turn and when the session is over. */
  readonly seat: string | null
  readonly seats: number
  readonly queue: readonly Waiting[]
  /** The turn at hand, or the last one. */
  readonly turn: Turn | null
  /** Of its whole life. */
  readonly usage: Usage
}

type HandoffEvent = { readonly type: 'user.message'; readonly content: Content } | { readonly type: 'agent.end' | 'CANCEL' } | SeatReport | DoneActorEvent<Outcome>

const isOver = ({ turn }: HandoffContext): boolean => (turn?.outcome ?? null) !== null

/** Between two members; no name of a member, which has no space. */
const PASSING = 'passing on'

const refusal = (status: Outcome['status'], reason: string): PatternOutcome => ({ kind: 'outcome', status, output: null, reason, usage: noUsage, members: [] })

/** Options with everything filled in and looked at. */
function readOptions({ name, members: given, start, history = 'full', handoffsMax = 10, repeatsMax = 2, mistakesMax = 2, onFailure = 'fail', queueMax = 100, limits }: HandoffOptions) {
  const members = resolveMembers(name, given)
  const names = Object.keys(members)
  if (!names.includes(start)) throw new TroupeError('config/invalid', `pattern '${name}': start '${start}' is no member; the members are ${names.join(', ')}`)
  for (const [option, value] of Object.entries({ handoffsMax, repeatsMax, mistakesMax, queueMax })) {
    if (!(Number.isInteger(value) && value >= 0)) throw new TroupeError('config/invalid', `pattern '${name}': ${option} must be a whole number from 0, not ${value}`)
  }
  const rules: HandoffRules = { members: names, start, handoffsMax, repeatsMax, mistakesMax, onFailure, history }
  return { name, members, rules, queueMax, limits: resolvePatternLimits(name, limits) }
}

/** What a handoff can do and decide; its statechart says when. */
function handoffSetup({ name, members, rules, queueMax, limits }: ReturnType<typeof readOptions>) {
  return setup({
    types: { context: {} as HandoffContext, input: {} as AgentInput | undefined, events: {} as HandoffEvent, output: {} as PatternOutcome, children: {} as Record<string, 'seat'> },
    schemas: { events: { 'user.message': agentEvents['user.message'], 'agent.end': z.object({ type: z.literal('agent.end') }) } },
    actors: { seat: seat(members, limits.memberTimeoutMs) },
    actions: {
      queueMessage: enqueueActions(({ context, event, self, enqueue }) => {
        if (event.type !== 'user.message') return
        const ask = askAtHand(self)
        if (context.queue.length < queueMax) enqueue.assign({ queue: [...context.queue, { content: event.content, ask }] })
        else enqueue(reply(() => refusal('skipped', `${context.queue.length} messages wait, the limit queueMax`), { to: () => ask }))
      }),
      beginTurn: enqueueActions(({ context, enqueue }) => {
        const [next, ...queue] = context.queue
        if (!next) return
        enqueue.assign({ queue, turn: beginTurn(next) })
        if (context.seat !== null) return enqueue.sendTo(context.seat, { type: 'seat.say', content: next.content })
        const { input, ...seated } = sit(context, context.active, [])
        enqueue.assign(seated)
        enqueue.spawnChild('seat', { id: input.seat, input })
        enqueue.sendTo(input.seat, { type: 'seat.say', content: next.content })
      }),
      go: enqueueActions(({ context, enqueue }, { outcome, isLost }: { readonly outcome: Outcome; readonly isLost: boolean }) => {
        if (!context.turn) return
        const next = afterPart(context.turn, context.active, outcome, rules)
        const mustLeave = context.seat !== null && (isLost || next.kind === 'transfer')
        if (mustLeave && context.seat !== null) enqueue.stopChild(context.seat)
        enqueue.assign({ turn: next.turn, ...(mustLeave && { seat: null }) })
        if (next.kind === 'say' && context.seat !== null) enqueue.sendTo(context.seat, { type: 'seat.say', content: next.content })
        if (next.kind !== 'transfer') return
        const { input, ...seated } = sit(context, next.to, next.messages)
        enqueue.assign(seated)
        enqueue.spawnChild('seat', { id: input.seat, input })
        enqueue.sendTo(input.seat, { type: 'seat.say', content: next.content })
      }),
      leave: enqueueActions(({ context, enqueue }) => {
        if (context.seat !== null) enqueue.stopChild(context.seat)
        enqueue.assign({ seat: null })
      }),
      endTurn: enqueueActions(({ context: { turn, usage, reports, isSession }, enqueue }) => {
        if (!turn?.outcome) return
        const { outcome, ask } = turn
        enqueue.assign({ usage: addUsage(usage, turn.usage) })
        enqueue(reply(() => outcome, { to: () => ask }))
        if (isSession && reports) enqueue(sendParent({ type: 'agent.answered', agent: name, outcome } satisfies AgentReport))
      }),
      /** Nobody who waits for an answer is left waiting. */
      dismiss: enqueueActions(({ context: { turn, queue }, enqueue }) => {
        const open = [...(turn && !turn.outcome ? [turn] : []), ...queue]
        for (const { ask } of open) enqueue(reply(() => refusal('cancelled', `${name} was ended`), { to: () => ask }))
        enqueue.assign({ queue: [], ...(turn && !turn.outcome && { turn: { ...turn, outcome: { ...refusal('cancelled', `${name} was ended`), usage: turn.usage, members: turn.members } } }) })
      }),
    },
    guards: {
      hasWork: ({ context }) => context.queue.length > 0,
      isTurnOver: ({ context }) => isOver(context),
      isFromActive: ({ context, event }) => (event.type === 'seat.told' ? event.seat : (event as DoneActorEvent).actorId) === context.seat,
      isTooDeep: ({ context }) => context.depth > limits.depthMax,
      isTaskDone: ({ context }) => !context.isSession && context.turn?.outcome?.status === 'done',
      isTaskOver: ({ context }) => !context.isSession && isOver(context),
      hasControl: ({ context }, member: string) => context.active === member,
      hasLostControl: ({ context }, member: string) => context.active !== member,
    },
  })
}

/** Control goes to a member, in a session of its own. */
function sit({ seats, data, depth }: HandoffContext, member: string, messages: Extract<Next, { kind: 'transfer' }>['messages']): { readonly active: string; readonly seat: string; readonly seats: number; readonly input: SeatInput } {
  const id = `${member}-${seats + 1}`
  return { active: member, seat: id, seats: seats + 1, input: { seat: id, member, session: { messages, data, depth: depth + 1 } } }
}

/** One state for each member, so that state and tags say who has control. */
const controlOf = ({ members, start }: HandoffRules) => ({
  initial: start,
  states: Object.fromEntries([
    ...members.map(member => [member, { tags: [member], always: [{ guard: { type: 'hasLostControl', params: member }, target: PASSING }] }] as const),
    [PASSING, { tags: [], always: members.map(member => ({ guard: { type: 'hasControl', params: member }, target: member }) as const) }] as const,
  ]),
})

/**
 * Agents that hand the control over to each other: exactly one has it, and gets what the user says. The one that hands over
 * is gone in the same commit in which the other one begins. A session of many turns, or one turn when it is given a `task`.
 * Throws `config/invalid`.
 *
 * @example
 * const desk = handoff({ name: 'desk', start: 'triage', members: { triage: 'triage', billing: 'billing' } })
 * await runtime.actor(desk, 'ann').ask({ type: 'user.message', content: 'My bill is wrong' }, { until: 'reply' })
 */
export function handoff(options: HandoffOptions) {
  const settings = readOptions(options)
  const { name, rules, limits } = settings
  return handoffSetup(settings).createMachine({
    id: name,
    meta: catalogued({ kind: 'pattern', name, ...(options.description !== undefined && { description: options.description }), capabilities: options.capabilities ?? [] }),
    context: ({ input: { task, reports = false, data = null, depth = 1 } = {} }) => ({
      isSession: task === undefined, reports, data, depth, active: rules.start, seat: null, seats: 0, turn: null, usage: noUsage,
      queue: task === undefined ? [] : [{ content: typeof task === 'string' ? task : JSON.stringify(task), ask: null }],
    }),
    initial: 'running',
    on: { 'agent.end': { target: '.ended', actions: 'dismiss' }, CANCEL: { target: '.ended', actions: 'dismiss' } },
    states: {
      running: {
        type: 'parallel',
        on: { 'user.message': { actions: 'queueMessage' } },
        always: [
          { guard: 'isTooDeep', target: 'failed', actions: assign({ turn: ({ context }) => ({ ...beginTurn({ content: '', ask: null }), outcome: refusal('failed', `it is ${context.depth} patterns deep, the limit depthMax is ${limits.depthMax}: is there a cycle?`) }) }) },
          { guard: 'isTaskDone', target: 'done' },
          { guard: 'isTaskOver', target: 'failed' },
        ],
        states: {
          turn: {
            initial: 'idle',
            states: {
              idle: {
                always: { guard: 'hasWork', target: 'working' },
                on: { 'xstate.done.actor.*': { guard: 'isFromActive', actions: 'leave' } },
              },
              working: {
                entry: 'beginTurn',
                always: { guard: 'isTurnOver', target: 'idle', actions: 'endTurn' },
                on: {
                  'seat.told': { guard: 'isFromActive', actions: { type: 'go', params: ({ event }) => ({ outcome: event.outcome, isLost: false }) } },
                  'xstate.done.actor.*': { guard: 'isFromActive', actions: { type: 'go', params: ({ event }) => ({ outcome: event.output, isLost: true }) } },
                },
              },
            },
          },
          control: controlOf(rules),
        },
      },
      done: { type: 'final', entry: 'leave' },
      failed: { type: 'final', entry: 'leave' },
      ended: { type: 'final', entry: 'leave' },
    },
    output: ({ context }) => context.turn?.outcome ?? refusal('empty', 'nothing was asked of it'),
  })
}
