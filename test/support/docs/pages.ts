import type { AnyActorLogic, AnyStateMachine } from 'xstate'
import { barrier, schedule } from '../../../machines/index.ts'

/** Pages with a statechart, and the machine it is drawn from: `docs/<page>.md`. A line per page. */
export const pages: Readonly<Record<string, AnyStateMachine>> = {
  'machines/barrier': barrier,
  'machines/schedule': schedule('report'),
}

/** Functions of `troupe/machines` and `troupe/patterns` that make no machine. */
export const makeNoMachine: ReadonlySet<string> = new Set([])

/** Of those that are typed as logic only. */
function asMachine(logic: AnyActorLogic): AnyStateMachine {
  return logic as AnyStateMachine
}
