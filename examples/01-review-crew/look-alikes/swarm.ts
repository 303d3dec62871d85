import { swarm } from 'troupe/patterns'
import type { OutputFrom } from 'xstate'
import type { Near } from './nearest.ts'

/** One peer for each finding: findings beyond these are not compared. */
export const PEERS_MAX = 2_000

/** What a finding knows: whom it looks like, and the least number that it has heard of among them. */
interface Peer {
  readonly near: readonly number[]
  readonly group: number
}

/**
 * Findings that look alike find each other: each tells those near to it the least number it has heard of, until nobody hears
 * of a lesser one. Then all that hang together, over however many steps, have the same.
 */
export const lookAlikes = swarm<Peer | null>({
  name: 'look-alikes',
  description: 'groups findings that look alike',
  peers: PEERS_MAX,
  neighbourhood: 'all',
  topics: [],
  init: (peer, task) => {
    const near = (task as Near)[peer] ?? []
    return near.length === 0 ? null : { near, group: peer }
  },
  rule: ({ round, state, messages }) => {
    if (!state) return undefined
    const group = Math.min(state.group, ...messages.map(({ body }) => body as number))
    if (round > 0 && group === state.group) return undefined
    return { state: { ...state, group }, send: state.near.map(to => ({ to, body: group })) }
  },
  collect: true,
})

/** Groups of two or more, each as places in the list of findings, in ascending order. */
export function groupsOf({ output }: OutputFrom<typeof lookAlikes>): readonly (readonly number[])[] {
  const states = (output?.states ?? []) as readonly (Peer | null)[]
  const groups = Map.groupBy(states.keys(), place => states[place]?.group)
  groups.delete(undefined)
  return [...groups.values()]
}
