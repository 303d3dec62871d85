import type { AnyActorLogic, AnyStateMachine } from 'xstate'
import { remoteMachineOf } from '../../core/remote.ts'

/**
 * What kind of work a logic is, as the host must treat it:
 * `pure` steps inside a batch (machines, transitions), `task` and `remote` are requests to the host,
 * `live` (callbacks, observables) is code with side effects that runs beside the actor and starts after the commit.
 */
export type LogicKind = 'pure' | 'task' | 'remote' | 'live'

const kinds = new WeakMap<AnyActorLogic, LogicKind>()

export function kindOf(logic: AnyActorLogic): LogicKind {
  const known = kinds.get(logic)
  if (known) return known
  const kind = probeKind(logic)
  kinds.set(logic, kind)
  return kind
}

export const isMachine = (logic: unknown): logic is AnyStateMachine => typeof logic === 'object' && logic !== null && '__xstatenode' in logic

export const isLogic = (value: unknown): value is AnyActorLogic =>
  typeof value === 'object' && value !== null && typeof (value as Partial<AnyActorLogic>).transition === 'function' && typeof (value as Partial<AnyActorLogic>).getInitialSnapshot === 'function'

/** XState marks no kinds, so promise logic is told by how it takes its own result (xstate 5.33). */
function probeKind(logic: AnyActorLogic): LogicKind {
  if (remoteMachineOf(logic) !== undefined) return 'remote'
  if (isMachine(logic) || !logic.start) return 'pure'
  try {
    const settled: unknown = logic.transition({ status: 'active' } as never, { type: 'xstate.promise.resolve' } as never, { self: {} } as never)
    return (settled as { status?: string }).status === 'done' ? 'task' : 'live'
  } catch {
    return 'live'
  }
}
