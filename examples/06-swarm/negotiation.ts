import type { Board, PeerStep, PeerView, SwarmOptions } from 'troupe/patterns'
import type { Term } from './term.ts'

/** What an exam knows. */
export interface Candidate {
  readonly slot: number
  /** Slot of each rival, in the order of the term's list, as last heard; -1 before. */
  readonly heard: readonly number[]
  /** How much a clash with each rival counts: more each time it could not be helped. */
  readonly weights: readonly number[]
  /** Clashes that it has told the blackboard of. */
  readonly clashes: number
}

/** How often an exam that could do better does: where all would at once, rivals would flee into the same slot. */
const MOVE = 0.6
/** What a slot without a free room costs; a clash costs its weight, 1 or more. */
const NO_ROOM = 2
const ROUNDS_MAX = 400

const CLASHES = 'clashes'
const roomsOf = (slot: number): string => `taken/${slot}`
const countAt = (board: Board, topic: string): number => (board[topic]?.value as number | undefined) ?? 0

/** Clashes as the exams have told them: each of a pair counts it, one of them a round before the other. */
export const clashesOn = (board: Board): number => Math.ceil(countAt(board, CLASHES) / 2)

/**
 * Exams that negotiate their slots: one peer each. An exam knows its rivals' slots from their messages and how many rooms of
 * each slot are taken from the blackboard, where counts are added up. Who clashes moves to where it hurts least, not always and
 * not all at once (distributed breakout: Yokoo and Hirayama, ICMAS 1996; with chance: Zhang et al., 2005).
 */
export const negotiation = (term: Term, seed: number): SwarmOptions<Candidate> => ({
  name: 'negotiation',
  description: 'exams negotiate a timetable without clashes',
  peers: term.exams.length,
  seed,
  neighbourhood: 'all',
  // The count of clashes is for those who watch: it wakes nobody.
  topics: Array.from({ length: term.slots }, (_, slot) => roomsOf(slot)),
  merge: (current, proposed) => (current as number) + (proposed as number),
  init: peer => ({ slot: -1, heard: (term.rivals[peer] ?? []).map(() => -1), weights: (term.rivals[peer] ?? []).map(() => 1), clashes: 0 }),
  rule: (view, random) => step(term, view, random),
  collect: true,
  cell: 'exams',
  limits: { roundsMax: ROUNDS_MAX, sendsMax: 1_000, topicsMax: term.slots + 1 },
})

function step(term: Term, { id, round, state, messages, board }: PeerView<Candidate>, random: () => number): PeerStep<Candidate> | undefined {
  const rivals = term.rivals[id] ?? []
  if (round === 0) return move(rivals, { ...state, slot: Math.floor(random() * term.slots) }, state)
  const heard = messages.length === 0 ? state.heard : hear(rivals, state.heard, messages)
  const clashes = heard.filter(slot => slot === state.slot).length
  const overfull = countAt(board, roomsOf(state.slot)) - term.rooms
  const known = { ...state, heard, clashes }
  const isContent = clashes === 0 && (overfull <= 0 || random() >= overfull / (term.rooms + overfull))
  if (isContent || random() >= MOVE) return stay(known, state, overfull > 0)

  const costs = costsOf(term, known, board)
  const least = Math.min(...costs)
  const best = costs.flatMap((cost, slot) => (cost === least && slot !== state.slot ? [slot] : []))
  const slot = best[Math.floor(random() * best.length)]
  if (slot !== undefined && least <= (costs[state.slot] ?? 0)) return move(rivals, { ...known, slot, clashes: heard.filter(other => other === slot).length }, state)
  // No slot is better: whom it clashes with here counts more from now on.
  return stay({ ...known, weights: known.weights.map((weight, rival) => (heard[rival] === state.slot ? weight + 1 : weight)) }, state, overfull > 0)
}

function hear(rivals: readonly number[], heard: readonly number[], messages: PeerView['messages']): readonly number[] {
  const next = [...heard]
  for (const { from, body } of messages) next[rivals.indexOf(from)] = body as number
  return next
}

function costsOf({ slots, rooms }: Term, { slot: own, heard, weights }: Candidate, board: Board): readonly number[] {
  const costs = Array.from({ length: slots }, (_, slot): number => (countAt(board, roomsOf(slot)) + (slot === own ? 0 : 1) > rooms ? NO_ROOM : 0))
  for (const [rival, slot] of heard.entries()) if (slot >= 0) costs[slot] = (costs[slot] ?? 0) + (weights[rival] ?? 1)
  return costs
}

const told = (next: Candidate, before: Candidate) => (next.clashes === before.clashes ? [] : [{ topic: CLASHES, value: next.clashes - before.clashes }])

const stay = (next: Candidate, before: Candidate, isOverfull: boolean): PeerStep<Candidate> => ({ state: next, write: told(next, before), again: next.clashes > 0 || isOverfull })

/** Takes a slot, gives back the one it had, and tells its rivals. */
function move(rivals: readonly number[], next: Candidate, before: Candidate): PeerStep<Candidate> {
  const rooms = [{ topic: roomsOf(next.slot), value: 1 }, ...(before.slot < 0 ? [] : [{ topic: roomsOf(before.slot), value: -1 }])]
  return { state: next, send: rivals.map(to => ({ to, body: next.slot })), write: [...told(next, before), ...rooms], again: next.clashes > 0 }
}
