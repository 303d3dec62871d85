import type { AnyEventObject } from 'xstate'
import { TroupeError } from '../src/core/errors.ts'
import { deadLetter } from '../src/core/targets.ts'
import { whyUnfit } from './storable.ts'
import type { SagaContext, SagaStep, StepOutcome, StepStatus, UndoInput } from './saga-step.ts'

/** Part of a machine's configuration: of which states it consists is known only when the steps are. */
type State = Readonly<Record<string, unknown>>

interface At {
  readonly context: SagaContext
  readonly event: AnyEventObject
}

/** Errors of tasks whose effects may have happened all the same. */
const UNCLEAR: readonly unknown[] = ['task/timeout', 'task/stalled', 'task/crashed']

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const mark = (step: string, status: StepStatus) => ({ type: 'mark', params: { step, status, reason: null } satisfies StepOutcome })

const late = ({ name, timeoutMs = Infinity }: SagaStep, verb: 'do' | 'undo'): TroupeError => new TroupeError('task/timeout', `${verb} of step ${name} took longer than ${timeoutMs} ms`)

/** What has ended a try to do or undo a step: what it threw, or its time. */
const errorOf = (event: AnyEventObject, step: SagaStep, verb: 'do' | 'undo'): unknown => ('error' in event ? event['error'] : late(step, verb))

function failureOf(event: AnyEventObject, step: SagaStep): StepOutcome {
  const error = errorOf(event, step, 'do')
  return { step: step.name, status: UNCLEAR.includes((error as Partial<TroupeError> | null)?.code) ? 'unclear' : 'failed', reason: textOf(error) }
}

/** What the steps know. */
export const givenIn = ({ input, results }: SagaContext) => ({ input, results })

/** Whether a step is to run, or why nobody can say: `when` and `input` are code of users, looked at before anything is done. */
export function needOf({ when, input }: SagaStep, context: SagaContext): 'run' | 'skip' | Error {
  try {
    if (when && !when(givenIn(context))) return 'skip'
    const why = whyUnfit(input?.(givenIn(context)), 'input')
    return why === null ? 'run' : new Error(why)
  } catch (error) {
    return new Error(textOf(error))
  }
}

/** Does one step: `running`, then `settled` whatever came of it. */
function doing(step: SagaStep): State {
  const { name, when, input, timeoutMs } = step
  const isAsked = when !== undefined || input !== undefined
  const fail = { target: 'settled', actions: { type: 'fail', params: ({ event }: At) => failureOf(event, step) } }
  return {
    initial: isAsked ? 'deciding' : 'running',
    states: {
      ...(isAsked && {
        deciding: {
          always: [
            { guard: { type: 'isNeeded', params: { step: name } }, target: 'running' },
            { guard: { type: 'isUndecided', params: { step: name } }, target: 'settled', actions: { type: 'fail', params: ({ context }: At) => ({ step: name, status: 'failed', reason: textOf(needOf(step, context)) }) } },
            { target: 'settled', actions: mark(name, 'skipped') },
          ],
        },
      }),
      running: {
        entry: mark(name, 'doing'),
        invoke: {
          id: `do-${name}`,
          src: `do-${name}`,
          input: ({ context }: At) => (step.input ? step.input(givenIn(context)) : givenIn(context)),
          onDone: { target: 'settled', actions: { type: 'keep', params: ({ event }: At) => ({ step: name, result: event['output'] ?? null }) } },
          onError: fail,
        },
        ...(timeoutMs !== undefined && { after: { [timeoutMs]: fail } }),
      },
      settled: { type: 'final' },
    },
  }
}

export const groupName = (steps: readonly SagaStep[]): string => steps.map(({ name }) => name).join('+')

/** Does steps that go at the same time; all have settled before the saga goes on or back. */
export function doingGroup(steps: readonly SagaStep[], next: string): State {
  const [only] = steps
  const states = steps.length === 1 && only ? doing(only) : { type: 'parallel', states: Object.fromEntries(steps.map(step => [step.name, doing(step)])) }
  return { ...states, id: `doing-${groupName(steps)}`, onDone: [{ guard: 'hasFailed', target: '#turning' }, { target: next }] }
}

/** Undoes one step. What cannot be undone is held, with a dead letter, until somebody has it tried again or leaves it. */
export function undoing(step: SagaStep, next: string): State {
  const { name, timeoutMs } = step
  const guard = { type: 'isHeld', params: { step: name } }
  const hold = { target: 'held', actions: { type: 'mark', params: ({ event }: At): StepOutcome => ({ step: name, status: 'held', reason: textOf(errorOf(event, step, 'undo')) }) } }
  return {
    id: `undoing-${name}`,
    initial: 'deciding',
    onDone: next,
    states: {
      deciding: { always: [{ guard: { type: 'isToUndo', params: { step: name } }, target: 'running' }, { target: 'settled' }] },
      running: {
        entry: mark(name, 'undoing'),
        invoke: {
          id: `undo-${name}`,
          src: `undo-${name}`,
          input: ({ context }: At): UndoInput => ({ ...givenIn(context), step: name, result: context.results[name] ?? null, key: `${context.key} undo ${name}` }),
          onDone: { target: 'settled', actions: mark(name, 'undone') },
          onError: hold,
        },
        ...(timeoutMs !== undefined && { after: { [timeoutMs]: hold } }),
      },
      held: {
        tags: 'held',
        entry: deadLetter(({ event }: At) => ({ event: { type: 'saga.retry', step: name }, error: errorOf(event, step, 'undo') })),
        on: {
          'saga.retry': { guard, target: 'running' },
          'saga.leave': { guard, target: 'settled', actions: { type: 'mark', params: ({ event }: At): StepOutcome => ({ step: name, status: 'kept', reason: (event['reason'] as string | undefined) ?? null }) } },
        },
      },
      settled: { type: 'final' },
    },
  }
}
