import { assign, enqueueActions, setup } from 'xstate'
import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import { addUsage, noUsage } from '../../machines/outcome.ts'
import type { MemberInput, MemberOutcome, OutcomeStatus, PatternOutcome } from '../../machines/outcome.ts'
import { catalogued } from '../../src/core/catalogue.ts'
import { remote } from '../../src/core/remote.ts'
import { writeAll } from './board.ts'
import type { Board } from './board.ts'
import { cellOf } from './cell.ts'
import type { CellInput, CellOutput } from './cell.ts'
import { resolveSwarm } from './options.ts'
import type { ResolvedSwarm, SwarmOptions } from './options.ts'
import type { CellReport, Mail } from './peers.ts'

/** Why a swarm has ended: its `until` was met, no peer had a reason to step, or out of rounds or time, or called off, or a failure. */
export type SwarmEnd = 'agreed' | 'quiescent' | 'rounds' | 'time' | 'cancelled' | 'failure'

export interface SwarmResult {
  readonly ended: SwarmEnd
  readonly rounds: number
  readonly steps: number
  readonly messages: number
  /** Messages and writes that were not carried out: to others than neighbours, over a limit, of an old version. */
  readonly refused: number
  readonly board: Board
  /** Of all peers, where they are collected; null for those of a lost cell. */
  readonly states?: readonly unknown[]
}

export interface SwarmContext {
  readonly task: unknown
  /** How many patterns deep it is. */
  readonly depth: number
  readonly round: number
  readonly board: Board
  /** What the next round begins with. */
  readonly mail: readonly Mail[]
  readonly changed: Board
  readonly busy: readonly number[]
  /** Cells that have a reason to step in this round, and what those have reported that are through. */
  readonly awaited: readonly number[]
  readonly reports: readonly CellReport[]
  /** Messages in the reports. */
  readonly letters: number
  readonly lost: Readonly<Record<number, string>>
  readonly steps: number
  readonly messages: number
  readonly refused: number
  readonly failed: number
  readonly ended: SwarmEnd | null
  /** What its `until`, `merge` or `topics` has thrown. */
  readonly error: string | null
  readonly outputs: Readonly<Record<number, CellOutput>>
}

type SwarmEvent = ({ readonly type: 'swarm.stepped' } & CellReport) | DoneActorEvent<CellOutput> | ErrorActorEvent | { readonly type: 'CANCEL' }

const cellId = (cell: number): string => `cell-${cell}`
const cellOfId = (actorId: string): number => Number(actorId.slice('cell-'.length))

/** What a swarm can do and decide; its statechart says when. */
function swarmSetup(resolved: ResolvedSwarm) {
  const { cells, peersPerCell, peers, cell: cellName, limits } = resolved
  const cellLogic = cellOf(resolved)
  return setup({
    types: { context: {} as SwarmContext, input: {} as MemberInput | undefined, events: {} as SwarmEvent, output: {} as PatternOutcome<SwarmResult>, children: {} as Record<string, 'cell'> },
    actors: { cell: cellName === undefined ? cellLogic : (remote(cellName, { spread: true }) as unknown as typeof cellLogic) },
    delays: { round: limits.roundTimeoutMs, whole: limits.swarmTimeoutMs },
    actions: {
      spawnCells: enqueueActions(({ context: { task, depth }, enqueue }) => {
        for (let cell = 0; cell < cells; cell++) {
          const from = cell * peersPerCell
          enqueue.spawnChild('cell', { id: cellId(cell), input: { cell, from, count: Math.min(peersPerCell, peers - from), task, depth } satisfies CellInput })
        }
      }),
      beginRound: enqueueActions(({ context, enqueue }) => {
        for (const { cell, mail, changed } of roundsOf(context, resolved)) enqueue.sendTo(cellId(cell), { type: 'swarm.round', round: context.round, mail, changed })
        enqueue.assign({ mail: [], changed: {}, busy: [] })
      }),
      keepReport: assign(({ context }, report: CellReport): Partial<SwarmContext> => {
        const letters = context.letters + report.mail.length
        if (letters <= limits.lettersMax) return { reports: [...context.reports, report], letters }
        return { ended: 'failure', error: `its peers have more than ${limits.lettersMax} messages for other cells in round ${context.round}, the limit lettersMax` }
      }),
      loseCell: assign({ lost: ({ context }, { cell, reason }: { readonly cell: number; readonly reason: string }) => ({ ...context.lost, [cell]: reason }) }),
      loseSilent: enqueueActions(({ context, enqueue }) => {
        const silent = silentOf(context)
        for (const cell of silent) enqueue.stopChild(cellId(cell))
        enqueue.assign({ lost: { ...context.lost, ...Object.fromEntries(silent.map(cell => [cell, `it took longer than ${limits.roundTimeoutMs} ms for round ${context.round}`])) } })
      }),
      endRound: assign(({ context }): Partial<SwarmContext> => {
        try {
          return afterRound(context, resolved)
        } catch (error) {
          return { ended: 'failure', error: textOf(error), reports: [] }
        }
      }),
      end: assign({ ended: (_, ended: SwarmEnd) => ended }),
      endCells: enqueueActions(({ context, enqueue }) => {
        for (const cell of livingOf(context, cells)) enqueue.sendTo(cellId(cell), { type: 'swarm.end' })
      }),
      keepOutput: assign({ outputs: ({ context }, { cell, output }: { readonly cell: number; readonly output: CellOutput }) => ({ ...context.outputs, [cell]: output }) }),
    },
    guards: {
      isExpected: ({ context, event }) => event.type === 'swarm.stepped' && event.round === context.round && silentOf(context).includes(event.cell),
      isRoundOver: ({ context }) => silentOf(context).length === 0,
      isOver: ({ context }) => context.ended !== null,
      haveAllEnded: ({ context }) => livingOf(context, cells).every(cell => Object.hasOwn(context.outputs, cell)),
      areCellsInProcess: () => cellName === undefined,
    },
  })
}

/**
 * Peers that find something out together by local rules: each sees its messages and a shared blackboard, in rounds that all
 * take at the same time (bulk synchronous parallel, L. Valiant, 1990), so a run with the same seed gives the same result.
 * Throws `config/invalid` for options that make no sense.
 *
 * @example
 * // Each peer takes the largest number it has heard of, until nobody hears of a larger one.
 * const gossip = swarm({
 *   name: 'gossip', peers: 10_000, neighbourhood: { random: 3 }, init: id => id,
 *   rule: ({ round, state, messages }) => {
 *     const best = Math.max(state, ...messages.map(({ body }) => body as number))
 *     return round === 0 || best > state ? { state: best, send: [{ to: 'neighbours', body: best }] } : undefined
 *   },
 * })
 */
export function swarm<TState>(options: SwarmOptions<TState>) {
  const resolved = resolveSwarm(options)
  const { name, cells, limits } = resolved
  return swarmSetup(resolved).createMachine({
    id: name,
    meta: catalogued({ kind: 'pattern', name, ...(options.description !== undefined && { description: options.description }), capabilities: options.capabilities ?? [] }),
    context: ({ input: { task, depth = 1 } = {} }) => ({
      task, depth, round: 0, board: {}, mail: [], changed: {}, busy: [], awaited: Array.from({ length: cells }, (_, cell) => cell), reports: [], letters: 0,
      lost: {}, steps: 0, messages: 0, refused: 0, failed: 0, ended: depth > limits.depthMax ? 'failure' : null, error: null, outputs: {},
    }),
    entry: 'spawnCells',
    initial: 'running',
    on: { 'xstate.error.actor.*': { actions: { type: 'loseCell', params: ({ event }) => ({ cell: cellOfId(event.actorId), reason: textOf((event as ErrorActorEvent).error) }) } } },
    states: {
      running: {
        initial: 'assessing',
        on: { CANCEL: { target: 'ending', actions: { type: 'end', params: 'cancelled' } } },
        after: { whole: { target: 'ending', actions: { type: 'end', params: 'time' } } },
        states: {
          stepping: {
            entry: 'beginRound',
            on: { 'swarm.stepped': { guard: 'isExpected', actions: { type: 'keepReport', params: ({ event }) => event } } },
            always: [{ guard: 'isOver', target: 'assessing' }, { guard: 'isRoundOver', target: 'assessing', actions: 'endRound' }],
            after: { round: { actions: 'loseSilent' } },
          },
          // In process a whole swarm would be one step: between two rounds it is written down and others have their turn.
          assessing: { always: [{ guard: 'isOver', target: '#ending' }, { guard: 'areCellsInProcess', target: 'pausing' }, { target: 'stepping' }] },
          pausing: { after: { 1: 'stepping' } },
        },
      },
      ending: {
        id: 'ending',
        entry: 'endCells',
        on: { 'xstate.done.actor.*': { actions: { type: 'keepOutput', params: ({ event }) => ({ cell: cellOfId(event.actorId), output: event.output as CellOutput }) } } },
        always: { guard: 'haveAllEnded', target: 'over' },
        after: { round: 'over' },
      },
      over: { type: 'final' },
    },
    output: ({ context }) => outcomeOf(context, resolved),
  })
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const silentOf = ({ awaited, reports, lost }: SwarmContext): readonly number[] => awaited.filter(cell => !Object.hasOwn(lost, cell) && !reports.some(report => report.cell === cell))

const livingOf = ({ lost }: SwarmContext, cells: number): readonly number[] => Array.from({ length: cells }, (_, cell) => cell).filter(cell => !Object.hasOwn(lost, cell))

/** What the cells that have a reason to step are told. */
function roundsOf({ awaited, mail, changed, lost }: SwarmContext, { peersPerCell, topicsOfCell }: ResolvedSwarm): readonly { readonly cell: number; readonly mail: readonly Mail[]; readonly changed: Board }[] {
  const byCell = Map.groupBy(mail, ({ to }) => Math.floor(to / peersPerCell))
  const hasChanged = Object.keys(changed).length > 0
  return awaited.filter(cell => !Object.hasOwn(lost, cell)).map(cell => ({ cell, mail: byCell.get(cell) ?? [], changed: hasChanged ? ofInterest(changed, topicsOfCell(cell)) : changed }))
}

const ofInterest = (changed: Board, topics: ReadonlySet<string> | undefined): Board => (topics ? Object.fromEntries(Object.entries(changed).filter(([topic]) => topics.has(topic))) : changed)

/** The swarm after a round: what was written stands on the blackboard, and who has a reason to step next. */
function afterRound(context: SwarmContext, resolved: ResolvedSwarm): Partial<SwarmContext> {
  const { limits, until, onFailure, topicsOfCell, peersPerCell, cells } = resolved
  const reports = context.reports.toSorted((a, b) => a.cell - b.cell)
  const { changed, refused } = writeAll(context.board, reports.flatMap(({ writes }) => writes), resolved.board)
  const board = Object.keys(changed).length > 0 ? { ...context.board, ...changed } : context.board
  const mail = reports.flatMap(report => report.mail)
  const topics = Object.keys(changed)
  const addressed = new Set([...reports.filter(({ isBusy }) => isBusy).map(({ cell }) => cell), ...mail.map(({ to }) => Math.floor(to / peersPerCell))])
  // The topics of all cells are asked for here, where it may throw, and then known.
  const awaited = livingOf(context, cells).filter(cell => topics.some(topic => topicsOfCell(cell)?.has(topic) ?? true) || addressed.has(cell))
  const sum = (of: (report: CellReport) => number): number => reports.reduce((total, report) => total + of(report), 0)
  const failed = context.failed + sum(report => Object.keys(report.failed).length)
  const round = context.round + 1
  const ended = ((): SwarmEnd | null => {
    if (livingOf(context, cells).length === 0 || (onFailure === 'fail' && (failed > 0 || Object.keys(context.lost).length > 0))) return 'failure'
    if (until?.(board) === true) return 'agreed'
    if (awaited.length === 0) return 'quiescent'
    return round >= limits.roundsMax ? 'rounds' : null
  })()
  return { board, mail, changed, awaited, failed, round, ended, reports: [], letters: 0, steps: context.steps + sum(({ stepped }) => stepped), messages: context.messages + sum(({ sent }) => sent), refused: context.refused + refused + sum(report => report.refused) }
}

function outcomeOf(context: SwarmContext, { cells, peers, peersPerCell, collect, until, limits }: ResolvedSwarm): PatternOutcome<SwarmResult> {
  const { ended, round, steps, messages, refused, board, outputs, lost, failed, depth, error } = context
  const members = Array.from({ length: cells }, (_, cell): MemberOutcome => {
    const ended = outputs[cell]
    const common = { kind: 'outcome', member: cellId(cell), attempts: 1 } as const
    if (!ended) return { ...common, status: 'failed', output: null, reason: lost[cell] ?? 'it did not end in time', usage: noUsage }
    const { usage, peers: own, steps: taken, failed: dead } = ended
    return { ...common, status: 'done', output: { peers: own, steps: taken, failed: dead }, reason: null, usage }
  })
  const states = collect ? Array.from({ length: peers }, (_, peer) => outputs[Math.floor(peer / peersPerCell)]?.states?.[peer % peersPerCell] ?? null) : undefined
  const [status, reason] = ((): [OutcomeStatus, string | null] => {
    switch (ended) {
      case 'agreed':
        return ['done', null]
      case 'cancelled':
        return ['cancelled', 'it was cancelled']
      case 'time':
        return ['timeout', `it took longer than ${limits.swarmTimeoutMs} ms`]
      case 'quiescent':
        return failed >= peers ? ['failed', 'all peers have failed'] : until ? ['failed', `no peer had anything to do any more after ${round} rounds, and what it was to find was not found`] : ['done', null]
      case 'rounds':
        return until ? ['failed', `what it was to find was not found in ${limits.roundsMax} rounds`] : ['done', null]
      default:
        if (depth > limits.depthMax) return ['failed', `it is ${depth} patterns deep, the limit depthMax is ${limits.depthMax}: is there a cycle?`]
        return ['failed', error ?? `${failed} peers have failed, ${Object.keys(lost).length} cells were lost`]
    }
  })()
  return {
    kind: 'outcome', status, reason, members,
    output: { ended: ended ?? 'failure', rounds: round, steps, messages, refused, board, ...(states && { states }) },
    usage: members.reduce((total, { usage }) => addUsage(total, usage), noUsage),
  }
}
