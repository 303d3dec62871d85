import { assign, enqueueActions, sendParent, setup, stopChild } from 'xstate'
import type { DoneActorEvent } from 'xstate'
import { addUsage, noUsage } from '../../machines/outcome.ts'
import type { MemberOutcome, Usage } from '../../machines/outcome.ts'
import { delegation } from '../delegation.ts'
import { PEER, resolveSwarm } from './options.ts'
import type { ResolvedSwarm, SwarmOptions } from './options.ts'
import { applyResults, followRule, peerStep, viewsOf } from './peers.ts'
import type { CellReport, CellState, PeerResult, PeerStep, PeerView, Round } from './peers.ts'

export interface CellInput {
  readonly cell: number
  /** Id of its first peer. */
  readonly from: number
  readonly count: number
  readonly task: unknown
  /** Of its swarm in other patterns. */
  readonly depth: number
}

export interface CellContext extends CellState {
  readonly cell: number
  readonly depth: number
  readonly round: number
  /** What the members that are to step in this round see; those up to `begun` have been asked. */
  readonly due: readonly PeerView[]
  readonly begun: number
  readonly results: readonly PeerResult[]
  readonly usage: Usage
}

export interface CellOutput {
  readonly peers: number
  readonly steps: number
  readonly failed: Readonly<Record<number, string>>
  readonly usage: Usage
  /** Of its peers, in the order of their ids; only of a swarm that collects them. */
  readonly states?: readonly unknown[]
}

export type CellEvent = ({ readonly type: 'swarm.round' } & Round) | { readonly type: 'swarm.end' }

const workId = (peer: number): string => `peer-${peer}`
const peerOf = (actorId: string): number => Number(actorId.slice('peer-'.length))

/**
 * A cell of a swarm with the same options, to be registered under the name that its option `cell` gives.
 *
 * @example
 * const options = { name: 'ants', peers: 10_000, rule, cell: 'ant-cell' }
 * await createRuntime({ machines: { ants: swarm(options), 'ant-cell': swarmCell(options) } })
 */
export const swarmCell = <TState>(options: SwarmOptions<TState>) => cellOf(resolveSwarm(options))

/**
 * Some peers of a swarm in one actor: in each round it lets those step that have a reason to, and reports.
 * A peer is a value in its context, so a checkpoint costs the peers that have changed, and a peer that rests costs its state.
 */
export function cellOf({ name, rule, members, rules, init, collect, limits }: ResolvedSwarm) {
  const machine = setup({
    types: { context: {} as CellContext, input: {} as CellInput, events: {} as CellEvent | DoneActorEvent<MemberOutcome>, output: {} as CellOutput, children: {} as Record<string, 'work'> },
    actors: { work: delegation(members, { validate: peerStep }) },
    actions: {
      see: assign(({ context }, { round, mail, changed }: Round) => {
        const board = Object.keys(changed).length > 0 ? { ...context.board, ...changed } : context.board
        return { round, board, ...dueOf({ ...context, board }, { round, mail, changed }) }
      }),
      fill: enqueueActions(({ context: { due, begun, results, depth }, enqueue }) => {
        const next = due.slice(begun, results.length + limits.concurrencyMax)
        for (const view of next) enqueue.spawnChild('work', { id: workId(view.id), input: { member: PEER, task: view, more: { depth: depth + 1 } } })
        if (next.length > 0) enqueue.assign({ begun: begun + next.length })
      }),
      keep: assign(({ context }, { id, outcome }: { readonly id: number; readonly outcome: MemberOutcome }) => ({
        results: [...context.results, outcome.status === 'done' ? { id, step: outcome.output as PeerStep } : { id, failure: outcome.reason ?? outcome.status }] as readonly PeerResult[],
        usage: addUsage(context.usage, outcome.usage),
      })),
      report: enqueueActions(({ context, enqueue }) => {
        const { cell, report } = applyResults(context, context.results.toSorted((a, b) => a.id - b.id), rules)
        enqueue.assign({ ...cell, due: [], begun: 0, results: [] })
        enqueue(sendParent({ type: 'swarm.stepped', cell: context.cell, round: context.round, ...report } satisfies { type: string } & CellReport))
      }),
    },
  })
  const dueOf = (context: CellContext, round: Round): Partial<CellContext> => {
    const views = viewsOf(context, round, rules)
    // What a rule sees is never stored: it has been followed at the end of the step.
    return rule ? { results: followRule(rule, views, rules.seed) } : { due: views.map(view => ({ ...view })) }
  }
  return machine.createMachine({
    id: `${name}-cell`,
    context: ({ input: { cell, from, count, task, depth } }) => ({
      cell, from, task, depth, round: 0, mail: [], again: [], board: {}, failed: {}, steps: 0, due: [], begun: 0, results: [], usage: noUsage,
      states: Array.from({ length: count }, (_, index) => init(from + index, task)),
    }),
    initial: 'resting',
    on: { 'swarm.end': '.ended' },
    states: {
      resting: { on: { 'swarm.round': { target: 'stepping', actions: { type: 'see', params: ({ event }) => event } } } },
      stepping: {
        entry: 'fill',
        always: { guard: ({ context: { due, results } }) => results.length >= due.length, target: 'resting', actions: 'report' },
        on: { 'xstate.done.actor.*': { actions: [{ type: 'keep', params: ({ event }) => ({ id: peerOf(event.actorId), outcome: event.output }) }, stopChild(({ event }) => event.actorId), 'fill'] } },
      },
      ended: { type: 'final' },
    },
    output: ({ context: { states, steps, failed, usage } }) => ({ peers: states.length, steps, failed, usage, ...(collect && { states }) }),
  })
}
