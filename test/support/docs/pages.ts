import type { AnyStateMachine } from 'xstate'
import { barrier, batch, debounce, retryBudget, schedule } from '../../../machines/index.ts'

/** Pages with a statechart, and the machine it is drawn from: `docs/<page>.md`. A line per page. */
export const pages: Readonly<Record<string, AnyStateMachine>> = {
  'machines/barrier': barrier,
  'machines/batch': batch,
  'machines/debounce': debounce,
  'machines/retry-budget': retryBudget,
  'machines/schedule': schedule('report'),
}

/** Functions of `troupe/machines` and `troupe/patterns` that make no machine. */
export const makeNoMachine: ReadonlySet<string> = new Set(['definePattern', 'isComplexTask'])
