import { call } from './client.ts'
import { connection, noteOutcome } from './connection.ts'
import { createStore } from './store.ts'

/** Numbers beside the navigation and in titles. */
export type CountName = 'actors' | 'approvals' | 'letters'
export type Counts = Readonly<Partial<Record<CountName, number>>>

const EVERY_MS = 5_000
/** People read "999 waiting" as "too many". */
const PAGE = 1_000

export const counts = createStore<Counts>({})

/** Asks now: after a decision, a replay, or whatever else has just changed a number. */
export async function refreshCounts(): Promise<void> {
  try {
    const [{ total }, { approvals }, { letters }] = await Promise.all([call('tallyActors', {}), call('listApprovals', { limit: PAGE }), call('listDeadLetters', { state: 'present', limit: PAGE })])
    counts.set({ actors: total, approvals: approvals.length, letters: letters.length })
    noteOutcome()
  } catch (error) {
    noteOutcome(error)
  }
}

/** Keeps the numbers fresh while somebody looks; returns how to stop that. */
export function keepCounting(): () => void {
  void refreshCounts()
  const timer = setInterval(() => {
    if (!document.hidden || connection.get() === 'lost') void refreshCounts()
  }, EVERY_MS)
  return () => clearInterval(timer)
}
