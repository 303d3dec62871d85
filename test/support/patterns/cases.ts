import { remote } from 'troupe'
import { saga } from 'troupe/machines'
import type { SagaOutput } from 'troupe/machines'
import { debate, handoff, hierarchical, loopUntil, mapReduce, network, parallel, pipeline, research, router, supervisor, swarm, swarmCell, vote } from 'troupe/patterns'
import type { Briefing, Decision, Move, NetworkTask, PeerView, Refinement } from 'troupe/patterns'
import type { AnyActorLogic } from 'xstate'
import type { Outcome } from '../../../machines/outcome.ts'
import { sessionMember } from '../session-member.ts'
import type { Said } from '../session-member.ts'
import { deed, fickle } from './fortune.ts'
import type { Fortune } from './fortune.ts'

/** A pattern under trial. All machines beside those of `members` are its own. */
export interface PatternCase {
  readonly pattern: (fortune: Fortune) => AnyActorLogic
  /** Durable machines that it needs beside the members that all have. */
  readonly members?: (fortune: Fortune) => Readonly<Record<string, AnyActorLogic>>
  /** What it is given. */
  readonly task?: unknown
  /** What is wrong with what it came to, beyond what all patterns are asked for. */
  readonly check?: (outcome: Outcome, fortune: Fortune) => string | undefined
}

/** Registered for all: near, spread and in process they are members of the patterns. */
export const workers = (fortune: Fortune) => ({ worker: fickle(fortune, (task: unknown) => `did ${JSON.stringify(task)}`), judge: fickle(fortune, () => 'x') })

const limits = { memberTimeoutMs: 2_000, patternTimeoutMs: 40_000 }
const far = remote<AnyActorLogic>('worker', { spread: true })
const inProcess = (fortune: Fortune): AnyActorLogic => fickle(fortune, () => 'in process')

/** Two for whom the work goes on, until there is enough or it has been tried often. */
const manager = (members: readonly string[]) => ({ turn, reports }: Briefing): Decision => {
  const open = members.filter(member => !reports.some(report => report.member === member && report.status === 'done'))
  return open.length === 0 || turn > 3 ? { kind: 'finish', answer: reports.length } : { kind: 'delegate', tasks: open.map(member => ({ member, task: turn })) }
}

const peers = {
  name: 'swarm', peers: 12, neighbourhood: 'ring', limits: { peersPerCellMax: 4, roundTimeoutMs: 2_000, swarmTimeoutMs: 40_000, roundsMax: 20 },
} as const
const cells = {
  ...peers, cell: 'cell', init: (id: number) => id,
  rule: ({ round, state, messages }: PeerView<number>) => {
    const next = Math.max(state, ...messages.map(({ body }) => body as number))
    return round === 0 || next > state ? { state: next, send: [{ to: 'neighbours', body: next }] as const } : undefined
  },
} as const

const trip = (fortune: Fortune) =>
  saga({
    name: 'saga',
    steps: [
      { name: 'flight', do: deed(fortune, 'do flight', 2), undo: deed(fortune, 'undo flight', 60) },
      { name: 'hotel', do: deed(fortune, 'do hotel', 2), undo: deed(fortune, 'undo hotel', 60) },
      { name: 'pay', do: 'worker', timeoutMs: 5_000 },
    ],
  })

/** P8: completed, or compensated in reverse order. */
function checkSaga(outcome: Outcome, { deeds }: Fortune): string | undefined {
  const { end } = outcome.output as SagaOutput
  const forth = deeds.filter(what => what.startsWith('do '))
  const expected = end === 'completed' ? ['do flight', 'do hotel'] : [...forth, ...forth.toReversed().map(what => `un${what}`)]
  return deeds.join() === expected.join() && (end === 'completed' || forth.length <= 2) ? undefined : `P8: the saga was ${end} by ${deeds.join(', ')}`
}

/** Speaks as an agent does in a session; throws, or says nothing, as fortune has it. */
const speaker = (fortune: Fortune, name: string, says: Said) =>
  sessionMember(name, heard => {
    const fate = fortune.fateOf(name, heard.length)
    if (fate === 'slips') throw new Error('slipped')
    return fate === 'is done' ? says : undefined
  })

const asked = ({ from, hops, mayWrite }: NetworkTask): Move => (hops > 2 ? { answer: from } : { send: mayWrite.map(to => ({ to, content: hops })) })

/** All patterns there are; a further one is a further line. */
export const patternCases: Readonly<Record<string, PatternCase>> = {
  supervisor: { pattern: fortune => supervisor({ name: 'supervisor', manager: manager(['near', 'far', 'own']), members: { near: 'worker', far, own: inProcess(fortune) }, limits }) },
  hierarchical: { pattern: () => hierarchical({ name: 'hierarchical', manager: manager(['left', 'right']), members: { left: { manager: manager(['a', 'b']), members: { a: 'worker', b: far } }, right: { manager: manager(['a']), members: { a: far }, onFailure: 'fail' } }, limits }) },
  research: {
    pattern: () => research({ name: 'research', worker: 'reader', synthesiser: 'reader', executive: 'reader', workers: 4, limits }),
    members: fortune => ({ reader: fickle(fortune, () => ({ text: 'found', citations: [{ source: 'a' }] })) }),
    task: { question: 'why', sources: ['a', 'b', 'c', 'd'] },
  },
  handoff: { pattern: () => handoff({ name: 'handoff', start: 'triage', members: { triage: 'triage', billing: remote<AnyActorLogic>('billing', { spread: true }) }, limits }), members: fortune => ({ triage: speaker(fortune, 'triage', { to: 'billing', reason: 'a bill' }), billing: speaker(fortune, 'billing', 'paid') }) },
  network: { pattern: () => network({ name: 'network', start: 'a', members: { a: 'writer', b: 'writer', c: remote<AnyActorLogic>('writer', { spread: true }) }, limits }), members: fortune => ({ writer: fickle(fortune, asked) }) },
  pipeline: { pattern: fortune => pipeline({ name: 'pipeline', limits, stages: [{ name: 'nlp', member: 'worker', healthCheck: inProcess(fortune), retry: { attempts: 2, baseMs: 100 } }, { name: 'data', member: far, fallback: 'worker' }, { name: 'viz', member: 'worker', onFailure: 'skip' }] }) },
  parallel: { pattern: fortune => parallel({ name: 'parallel', members: ['worker', far, inProcess(fortune)], policy: { quorum: 2 }, limits }) },
  'map-reduce': { pattern: () => mapReduce({ name: 'map-reduce', map: { member: far, retry: { attempts: 2, baseMs: 100 } }, reduce: 'worker', policy: 'settled', limits: { ...limits, concurrencyMax: 3 } }), task: [1, 2, 3, 4, 5] },
  vote: { pattern: () => vote({ name: 'vote', voters: ['worker', far, 'worker'], tieBreaker: 'judge', limits }) },
  debate: { pattern: () => debate({ name: 'debate', debaters: ['worker', far], judge: 'judge', limits }) },
  router: { pattern: fortune => router({ name: 'router', classify: 'judge', routes: { x: far, y: inProcess(fortune) }, fallback: 'y', limits }) },
  loop: { pattern: () => loopUntil({ name: 'loop', refiner: { member: 'refiner', retry: { attempts: 2, baseMs: 100 } }, critic: draft => draft === 'draft 3', limits }), members: fortune => ({ refiner: fickle(fortune, ({ round }: Refinement) => `draft ${round}`) }) },
  'swarm of cells': { pattern: () => swarm(cells), members: () => ({ cell: swarmCell(cells) }) },
  'swarm of members': { pattern: () => swarm({ ...peers, member: 'peer' }), members: fortune => ({ peer: fickle(fortune, ({ round }: PeerView) => ({ state: round, again: round < 2 })) }) },
  saga: { pattern: trip, check: checkSaga },
}
