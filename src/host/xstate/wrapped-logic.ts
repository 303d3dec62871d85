import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate'
import type { TaskDocument } from '../../core/document.ts'
import { hostLinkOf } from '../../core/host-link.ts'
import type { AnyActorSystem } from '../../core/host-link.ts'
import { pathOf } from './internals.ts'

export interface TaskHost {
  nextOrdinal(): number
  /** While an actor is restored its tasks are known already. */
  readonly restoring: boolean
  requestTask(task: TaskDocument): void
  cancelTask(id: string): void
}

export interface LiveHost {
  /** Runs something after the commit. */
  later(run: () => void): void
  /** Code beside the actor has started (1) or ended (-1). */
  count(change: 1 | -1): void
  failed(self: AnyActorRef, error: unknown): void
}

interface TaskState {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly task: string
  readonly input: unknown
}

interface Scope {
  readonly self: AnyActorRef
  readonly system: AnyActorSystem
}

export const LIVE_FAILED = 'troupe.live.failed'
/** Events that observables and failing code send to themselves. */
export const tellsOfItself = ({ type }: EventObject): boolean => type.startsWith('xstate.observable.') || type === LIVE_FAILED

export const TASK_DONE = 'troupe.task.done'
export const TASK_FAILED = 'troupe.task.failed'

const hostOf = (system: AnyActorSystem): TaskHost => hostLinkOf(system) as unknown as TaskHost

const tasks = new WeakMap<AnyActorLogic, AnyActorLogic>()

/** Promise logic as a request: the host runs it after the commit and brings back what came of it. One for all actors: it finds the host by the system. */
export function asTask(logic: AnyActorLogic): AnyActorLogic {
  const known = tasks.get(logic)
  if (known) return known
  const wrapped = {
    ...logic,
    getInitialSnapshot: ({ system }: Scope, input: unknown) => ({ status: 'active', output: undefined, error: undefined, input, task: String(hostOf(system).nextOrdinal()) }),
    getPersistedSnapshot: (state: unknown) => state,
    restoreSnapshot: (state: unknown) => state,
    start: (state: TaskState, { self, system }: Scope) => {
      const host = hostOf(system)
      if (state.status !== 'active' || host.restoring) return
      host.requestTask({ id: state.task, path: pathOf(self), input: state.input, attempt: 1, failures: 0, dueAt: null, crashes: 0 })
    },
    transition: (state: TaskState, event: EventObject & { task?: string; output?: unknown; error?: unknown }, { system }: Scope) => {
      if (state.status !== 'active') return state
      if (event.type === 'xstate.stop') {
        hostOf(system).cancelTask(state.task)
        return { ...state, status: 'stopped', input: undefined }
      }
      if (event.task !== state.task) return state
      if (event.type === TASK_DONE) return { ...state, status: 'done', output: event.output, input: undefined }
      if (event.type === TASK_FAILED) return { ...state, status: 'error', error: event.error, input: undefined }
      return state
    },
  } as unknown as AnyActorLogic
  tasks.set(logic, wrapped)
  return wrapped
}

/** Live code (callbacks, observables), each of whose entry points waits for the commit. */
export function asDeferred(logic: AnyActorLogic, host: LiveHost): AnyActorLogic {
  let stopped = false
  /** What it throws ends it with that error, as if it had thrown inside the step. */
  const guarded = (self: AnyActorRef, run: () => void) => (): void => {
    if (stopped) return
    try {
      run()
    } catch (error) {
      stopped = true
      host.failed(self, error)
    }
  }
  return {
    ...logic,
    start: (state: never, scope: { self: AnyActorRef }) => {
      host.count(1)
      host.later(guarded(scope.self, () => logic.start?.(state, scope as never)))
    },
    transition: (state: never, event: EventObject & { error?: unknown }, scope: { self: AnyActorRef }) => {
      if (event.type === LIVE_FAILED) {
        host.count(-1)
        return { ...(state as object), status: 'error', error: event.error }
      }
      if (event.type === 'xstate.stop') {
        stopped = true
        host.count(-1)
        host.later(() => ignoreFailure(() => logic.transition(state, event, scope as never)))
        return { ...(state as object), status: 'stopped', error: undefined, _subscription: undefined }
      }
      if (event.type.startsWith('xstate.observable.')) {
        if (event.type !== 'xstate.observable.next') host.count(-1)
        return logic.transition(state, event, scope as never)
      }
      host.later(guarded(scope.self, () => void logic.transition(state, event, scope as never)))
      return state
    },
  } as unknown as AnyActorLogic
}

function ignoreFailure(run: () => void): void {
  try {
    run()
  } catch {
    // Cleaning up code that never started or has already ended.
  }
}
