import { TroupeError } from '../../src/core/errors.ts'
import { resolveLimits } from '../limits.ts'
import { resolveMembers } from '../member.ts'
import type { Member, MemberOptions } from '../member.ts'
import type { Board, BoardRules } from './board.ts'
import { neighboursIn } from './neighbourhood.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { PeerRule, PeerRules } from './peers.ts'

/** Every bound of a swarm, with its unit in the name. */
export interface SwarmLimits {
  readonly peersMax: number
  /** Peers of one cell, which is one actor: its events, its checkpoint, its partition. */
  readonly peersPerCellMax: number
  /** Rounds until the swarm ends whatever its state. */
  readonly roundsMax: number
  /** Milliseconds that a cell may take for one round; then it is lost. */
  readonly roundTimeoutMs: number
  /** Milliseconds of the whole. */
  readonly swarmTimeoutMs: number
  /** Messages of one peer in one round. */
  readonly sendsMax: number
  /** Messages between peers of different cells in one round: they lie in the checkpoint of the swarm. */
  readonly lettersMax: number
  readonly topicsMax: number
  /** Characters of one value on the blackboard, as JSON. */
  readonly valueCharsMax: number
  /** Members of one cell that work at once; for peers that are members. */
  readonly concurrencyMax: number
  /** Patterns inside patterns. */
  readonly depthMax: number
}

export const defaultSwarmLimits: SwarmLimits = {
  peersMax: 100_000,
  peersPerCellMax: 250,
  roundsMax: 1_000,
  roundTimeoutMs: 60 * 60_000,
  swarmTimeoutMs: 24 * 60 * 60_000,
  sendsMax: 100,
  lettersMax: 250_000,
  topicsMax: 1_000,
  valueCharsMax: 10_000,
  concurrencyMax: 4,
  depthMax: 8,
}

interface CommonOptions<TState> {
  readonly name: string
  readonly description?: string
  readonly capabilities?: readonly string[]
  /** How many. */
  readonly peers: number
  /** What a peer begins with; it is part of a checkpoint, so JSON. Default null. */
  readonly init?: (peer: number, task: unknown) => TState
  /** Default `ring`. */
  readonly neighbourhood?: Neighbourhood
  /** Of neighbours that are drawn and of the numbers that rules draw. Default 1. */
  readonly seed?: number
  /** The topics of the blackboard that wake a peer and that it sees. Default: all. */
  readonly topics?: readonly string[] | ((peer: number) => readonly string[])
  /** What becomes of a topic when something is written to it. Default: what is written, of one round that of the highest peer. */
  readonly merge?: (current: unknown, proposed: unknown, topic: string) => unknown
  /** Whether the swarm has what it wanted; looked at after each round. Default: it ends when no peer has a reason to step. */
  readonly until?: (board: Board) => boolean
  /** What a peer or cell that fails means: the others go on without it, or the whole has failed. Default `skip`. */
  readonly onFailure?: 'skip' | 'fail'
  /** Whether the states of all peers are part of the output. Default false. */
  readonly collect?: boolean
  /** Name under which `swarmCell` of the same options is registered: its cells are then durable actors, spread over all partitions. Default: cells in the swarm's own checkpoint. */
  readonly cell?: string
  readonly limits?: Partial<SwarmLimits>
}

/** Peers that follow a pure function, or members: agents, or machines of your own, whose output is a `PeerStep`. */
export type SwarmOptions<TState = unknown> = CommonOptions<TState> & ({ readonly rule: PeerRule<TState>; readonly member?: never } | { readonly member: Member | MemberOptions; readonly rule?: never })

/** Options with their defaults, checked. */
export interface ResolvedSwarm {
  readonly name: string
  readonly peers: number
  readonly cells: number
  readonly peersPerCell: number
  readonly cell: string | undefined
  readonly rule: PeerRule<unknown> | undefined
  readonly members: Readonly<Record<string, MemberOptions>>
  readonly rules: PeerRules
  readonly board: BoardRules
  readonly limits: SwarmLimits
  readonly collect: boolean
  readonly onFailure: 'skip' | 'fail'
  init(peer: number, task: unknown): unknown
  until: ((board: Board) => boolean) | undefined
  /** Topics that a cell must be told of; undefined: all. */
  topicsOfCell(cell: number): ReadonlySet<string> | undefined
}

/** The one member of a swarm of members. */
export const PEER = 'peer'

export function resolveSwarm<TState>(options: SwarmOptions<TState>): ResolvedSwarm {
  const { name, peers, topics, rule, member, seed = 1, init = () => null, merge = (_, proposed) => proposed } = options
  const limits = resolveLimits(`swarm '${name}'`, defaultSwarmLimits, options.limits)
  const refuse = (what: string): TroupeError => new TroupeError('config/invalid', `swarm '${name}': ${what}`)
  if (!(Number.isInteger(peers) && peers >= 1)) throw refuse(`peers must be a whole number from 1, not ${peers}`)
  if (peers > limits.peersMax) throw refuse(`${peers} peers are more than limits.peersMax, ${limits.peersMax}`)
  if ((rule === undefined) === (member === undefined)) throw refuse('give either a rule or a member')
  const topicsOf = cached(peer => (topics === undefined ? undefined : new Set(typeof topics === 'function' ? topics(peer) : topics)), typeof topics === 'function')
  const cells = Math.ceil(peers / limits.peersPerCellMax)
  const peersPerCell = Math.ceil(peers / cells)
  const topicsOfCell = cached(cell => {
    const all = Array.from({ length: Math.min(peersPerCell, peers - cell * peersPerCell) }, (_, index) => topicsOf(cell * peersPerCell + index))
    return topics === undefined ? undefined : new Set(all.flatMap(own => [...(own ?? [])]))
  }, true)
  return {
    name, peers, cells, peersPerCell, topicsOfCell, limits, init,
    cell: options.cell,
    rule: rule as PeerRule<unknown> | undefined,
    members: member === undefined ? {} : resolveMembers(name, { [PEER]: member }),
    rules: { seed, topicsOf, neighbours: neighboursIn(options.neighbourhood ?? 'ring', peers, seed), sendsMax: limits.sendsMax, valueCharsMax: limits.valueCharsMax },
    board: { topicsMax: limits.topicsMax, valueCharsMax: limits.valueCharsMax, merge },
    collect: options.collect ?? false,
    onFailure: options.onFailure ?? 'skip',
    until: options.until,
  }
}

/** Keeps what a pure function has given: by argument, or once where the argument does not matter. */
function cached<T>(find: (of: number) => T, byArgument: boolean): (of: number) => T {
  const known = new Map<number, T>()
  return of => {
    const key = byArgument ? of : 0
    if (!known.has(key)) known.set(key, find(of))
    return known.get(key) as T
  }
}
