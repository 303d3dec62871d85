import type { Clock } from '../core/clock.ts'

/** Pieces of work, such as the reading of a checkpoint, after which everything else in the process has its turn. */
const TURN = 16

/** Called after each piece of long work: a store in this process answers at once, so that only this lets others run. */
export function takeTurns({ soon }: Clock, turn = TURN): () => Promise<void> | undefined {
  let pieces = 0
  return () => (++pieces % turn === 0 ? new Promise(resolve => soon(() => resolve())) : undefined)
}
