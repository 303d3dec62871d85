import { z } from 'zod'
import { whyUnfit } from '../../machines/storable.ts'
import { fits, isTopic } from './board.ts'
import type { Board, BoardEntry, SignedWrite, Write } from './board.ts'
import { drawFrom } from './neighbourhood.ts'
import type { Neighbours } from './neighbourhood.ts'

export interface PeerMessage {
  readonly from: number
  readonly body: unknown
}

export interface Mail extends PeerMessage {
  readonly to: number
}

/** What a peer sees in a round. */
export interface PeerView<TState = unknown> {
  readonly id: number
  readonly round: number
  /** What the whole swarm was given. */
  readonly task: unknown
  readonly state: TState
  readonly neighbours: readonly number[]
  /** Sent to it in the round before, by sender. */
  readonly messages: readonly PeerMessage[]
  /** The topics it is subscribed to, as they stood after the round before. */
  readonly board: Board
}

/** What a peer does in a round. Its messages and writes are seen in the next one. */
export interface PeerStep<TState = unknown> {
  /** Left out: as it was. */
  readonly state?: TState
  readonly send?: readonly { readonly to: number | 'neighbours'; readonly body: unknown }[]
  readonly write?: readonly Write[]
  /** To step in the next round whatever happens; else only when it is sent something or one of its topics has changed. */
  readonly again?: boolean
}

/** What a member must put out; what a rule gives is read by it as well. */
export const peerStep = z.object({
  state: z.unknown().optional(),
  send: z.array(z.object({ to: z.union([z.number(), z.literal('neighbours')]), body: z.unknown() })).optional(),
  write: z.array(z.object({ topic: z.string(), value: z.unknown(), ifVersion: z.number().optional() })).optional(),
  again: z.boolean().optional(),
})

/** What a peer does, of what it sees: no clock, no I/O; `random` gives numbers from 0 to 1, the same ones for the same seed. */
export type PeerRule<TState> = (view: PeerView<TState>, random: () => number) => PeerStep<TState> | undefined

/** What all cells know of their swarm. */
export interface PeerRules {
  readonly seed: number
  readonly neighbours: Neighbours
  /** Topics a peer is subscribed to; undefined: all. */
  topicsOf(peer: number): ReadonlySet<string> | undefined
  readonly sendsMax: number
  readonly valueCharsMax: number
}

/** A part of the swarm between two rounds. */
export interface CellState {
  readonly from: number
  readonly task: unknown
  readonly states: readonly unknown[]
  /** For its own peers, from its own peers. */
  readonly mail: readonly Mail[]
  readonly again: readonly number[]
  readonly board: Board
  /** Peers that have failed and step no more, with the reason. */
  readonly failed: Readonly<Record<number, string>>
  readonly steps: number
}

/** What a cell is told at the beginning of a round. */
export interface Round {
  readonly round: number
  readonly mail: readonly Mail[]
  readonly changed: Board
}

/** What a cell tells at the end of a round. */
export interface CellReport {
  readonly cell: number
  readonly round: number
  readonly stepped: number
  /** For peers of other cells. */
  readonly mail: readonly Mail[]
  readonly writes: readonly SignedWrite[]
  readonly sent: number
  readonly refused: number
  /** Whether one of its peers will step in the next round, whatever the others do. */
  readonly isBusy: boolean
  /** Peers that have failed in this round. */
  readonly failed: Readonly<Record<number, string>>
}

export type PeerResult = { readonly id: number; readonly step: PeerStep | undefined } | { readonly id: number; readonly failure: string }

/** The peers of a cell that step in this round, with what they see. */
export function viewsOf(cell: CellState, { round, mail, changed }: Round, rules: PeerRules): readonly PeerView[] {
  const messages = new Map<number, PeerMessage[]>()
  for (const { to, from, body } of [...cell.mail, ...mail]) {
    const own = messages.get(to)
    if (own) own.push({ from, body })
    else messages.set(to, [{ from, body }])
  }
  const again = new Set(cell.again)
  const topics = Object.keys(changed)
  const views: PeerView[] = []
  cell.states.forEach((state, index) => {
    const id = cell.from + index
    const subscribed = rules.topicsOf(id)
    const isDue = round === 0 || messages.has(id) || again.has(id) || topics.some(topic => subscribed?.has(topic) ?? true)
    if (!isDue || Object.hasOwn(cell.failed, id)) return
    const heard = messages.get(id)?.toSorted((a, b) => a.from - b.from) ?? []
    views.push({
      id, round, task: cell.task, state, messages: heard,
      board: subscribed ? pick(cell.board, subscribed) : cell.board,
      // Asked for by few, and of everybody a long list.
      get neighbours() {
        return rules.neighbours.of(id)
      },
    })
  })
  return views
}

const pick = (board: Board, topics: ReadonlySet<string>): Board => {
  const picked: Record<string, BoardEntry> = {}
  for (const topic of topics) if (Object.hasOwn(board, topic)) picked[topic] = board[topic] as BoardEntry
  return picked
}

/** Lets each of them follow the rule; one that throws, or gives what is no step, has failed, and the others do not notice. */
export function followRule(rule: PeerRule<unknown>, views: readonly PeerView[], seed: number): readonly PeerResult[] {
  return views.map(view => {
    try {
      return { id: view.id, step: readStep(rule(view, drawFrom(`${seed}/${view.id}/${view.round}`))) }
    } catch (error) {
      return { id: view.id, failure: error instanceof Error ? error.message : String(error) }
    }
  })
}

function readStep(given: unknown): PeerStep | undefined {
  if (given === undefined || given === null) return undefined
  const { success, data, error } = peerStep.safeParse(given)
  const why = success ? whyUnfit(data, 'its step') : z.prettifyError(error)
  if (why !== null) throw new TypeError(why)
  return data as PeerStep
}

/** Carries out what peers do: the cell after the round, and its report. Peers that did nothing cost nothing in its checkpoint. */
export function applyResults(cell: CellState, results: readonly PeerResult[], rules: PeerRules): { readonly cell: Pick<CellState, 'states' | 'mail' | 'again' | 'failed' | 'steps'>; readonly report: Omit<CellReport, 'cell' | 'round'> } {
  const to = cell.from + cell.states.length
  const local: Mail[] = []
  const mail: Mail[] = []
  const writes: SignedWrite[] = []
  const again: number[] = []
  const failed: Record<number, string> = {}
  let refused = 0
  let states: unknown[] | undefined
  for (const result of results) {
    if ('failure' in result) {
      failed[result.id] = result.failure
      continue
    }
    const { id, step } = result
    if (!step) continue
    if (step.state !== undefined && !Object.is(step.state, cell.states[id - cell.from])) (states ??= [...cell.states])[id - cell.from] = step.state
    if (step.again === true) again.push(id)
    const sends = lettersOf(id, step, rules)
    refused += sends.refused
    for (const letter of sends.letters) (letter.to >= cell.from && letter.to < to ? local : mail).push(letter)
    for (const write of step.write ?? []) {
      if (isTopic(write.topic) && fits(write.value, rules.valueCharsMax)) writes.push({ ...write, peer: id })
      else refused++
    }
  }
  return {
    cell: { states: states ?? cell.states, mail: local, again, failed: Object.keys(failed).length > 0 ? { ...cell.failed, ...failed } : cell.failed, steps: cell.steps + results.length },
    report: { stepped: results.length, mail, writes, sent: local.length + mail.length, refused, isBusy: local.length + again.length > 0, failed },
  }
}

function lettersOf(id: number, { send = [] }: PeerStep, { neighbours, sendsMax }: PeerRules): { readonly letters: readonly Mail[]; readonly refused: number } {
  const letters: Mail[] = []
  let wanted = 0
  for (const { to, body } of send) {
    const readers = to === 'neighbours' ? neighbours.of(id) : [to]
    // Never more than may be sent: neighbours may be many, and be named again and again.
    for (const other of readers.slice(0, Math.max(0, sendsMax - wanted))) if (neighbours.has(id, other)) letters.push({ to: other, from: id, body })
    wanted += readers.length
  }
  return { letters, refused: wanted - letters.length }
}
