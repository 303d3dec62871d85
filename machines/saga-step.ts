import type { AnyActorLogic } from 'xstate'

/** What the steps of a saga know: its input, and what the steps before have come to, by name. */
export interface SagaGiven<TInput = unknown> {
  readonly input: TInput
  readonly results: Readonly<Record<string, unknown>>
}

/** What undoing a step is given. */
export interface UndoInput<TInput = unknown> extends SagaGiven<TInput> {
  readonly step: string
  /** What the step has come to; null when nobody knows. */
  readonly result: unknown
  /** The same however often this step is undone: the idempotency key of a task that names none. */
  readonly key: string
}

export interface SagaStep<TInput = unknown> {
  readonly name: string
  /** A task, a machine, or the name of a registered machine, which does it as a durable actor of its own. */
  readonly do: AnyActorLogic | string
  /** Takes it back, also when it may not have happened; gets an `UndoInput`. Without it there is nothing to take back. */
  readonly undo?: AnyActorLogic | string
  /** What `do` is given. Default: all that is known. */
  input?(given: SagaGiven<TInput>): unknown
  /** Whether the step is needed. Default: always. */
  when?(given: SagaGiven<TInput>): boolean
  /** Longest time of `do` and of `undo`, all attempts together, in milliseconds. Default: none. */
  readonly timeoutMs?: number
  /** Whether a step that failed is undone as well. One that ran out of time always is, as nobody knows whether it happened. For tasks that do not honour their idempotency key, an attempt of which may have happened although the last one failed. Default false. */
  readonly undoFailed?: boolean
}

/**
 * `unclear`: it ran out of time or was called off, and may have happened; `held`: undoing it failed for good;
 * `kept`: somebody decided to leave it undone.
 */
export type StepStatus = 'pending' | 'skipped' | 'doing' | 'done' | 'failed' | 'unclear' | 'undoing' | 'undone' | 'held' | 'kept'

export interface StepOutcome {
  readonly step: string
  readonly status: StepStatus
  readonly reason: string | null
}

export interface SagaOutput {
  readonly end: 'completed' | 'compensated'
  readonly results: Readonly<Record<string, unknown>>
  readonly steps: readonly StepOutcome[]
}

export interface SagaContext<TInput = unknown> extends SagaGiven<TInput> {
  /** In the order of the saga, by name. */
  readonly steps: Readonly<Record<string, StepOutcome>>
  /** Of this saga, once something is to be undone. */
  readonly key: string | null
  /** Why it is not completed. */
  readonly reason: string | null
  readonly isCancelled: boolean
}

export function isToUndo({ steps }: SagaContext, step: SagaStep): boolean {
  const status = steps[step.name]?.status
  return status === 'done' || status === 'unclear' || (status === 'failed' && step.undoFailed === true)
}
