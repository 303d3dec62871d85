import { assign, setup } from 'xstate'
import type { AnyActorLogic } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { TroupeError } from '../src/core/errors.ts'
import { remote } from '../src/core/remote.ts'
import { keyedBy, task } from '../src/core/task.ts'
import type { TaskScope } from '../src/core/task.ts'
import { noUsage } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { doingGroup, groupName, needOf, undoing } from './saga-states.ts'
import { isToUndo } from './saga-step.ts'
import type { SagaContext, SagaOutput, SagaStep, StepOutcome, UndoInput } from './saga-step.ts'

const STEPS_MAX = 100
const NAME = /^[A-Za-z0-9_-]+$/

export interface SagaOptions<TInput = unknown> {
  readonly name: string
  readonly description?: string
  readonly capabilities?: readonly string[]
  /** In order; steps in a list of their own go at the same time. */
  readonly steps: readonly (SagaStep<TInput> | readonly SagaStep<TInput>[])[]
}

const schemas = {
  /** Undoes the step that is held once more. */
  'saga.retry': z.object({ type: z.literal('saga.retry'), step: z.string() }),
  /** Leaves the step that is held as it is, and goes on with the others. */
  'saga.leave': z.object({ type: z.literal('saga.leave'), step: z.string(), reason: z.string().optional() }),
  /** Calls the saga off: what has been done is undone. */
  'saga.cancel': z.object({ type: z.literal('saga.cancel'), reason: z.string().optional() }),
}

type SagaEvent = { [Type in keyof typeof schemas]: z.infer<(typeof schemas)[Type]> }[keyof typeof schemas] | { readonly type: 'CANCEL' }

function checked<TInput>({ name, steps }: SagaOptions<TInput>): readonly (readonly SagaStep[])[] {
  const groups = steps.map(step => (Array.isArray(step) ? step : [step]) as readonly SagaStep[])
  const names = groups.flat().map(step => step.name)
  const wrong = names.find((step, index) => !NAME.test(step) || step in Object.prototype || names.indexOf(step) !== index)
  if (wrong !== undefined) throw new TroupeError('config/invalid', `saga '${name}': step ${JSON.stringify(wrong)} needs a name of its own, of letters, digits, _ and -`)
  if (names.length === 0 || names.length > STEPS_MAX || groups.some(group => group.length === 0)) throw new TroupeError('config/invalid', `saga '${name}' needs 1 to ${STEPS_MAX} steps and no empty list of them`)
  return groups
}

const logicOf = (member: AnyActorLogic | string): AnyActorLogic => (typeof member === 'string' ? remote(member) : member)

const actorsOf = (steps: readonly SagaStep[]): Readonly<Record<string, AnyActorLogic>> =>
  Object.fromEntries(steps.flatMap(({ name, undo, ...step }) => [[`do-${name}`, logicOf(step.do)], ...(undo === undefined ? [] : [[`undo-${name}`, keyedBy(logicOf(undo), input => (input as UndoInput).key)]])]))

/** Where to go on: the state of a step, or the end when none is left. */
const stateOf = (verb: 'doing' | 'undoing', step: string | undefined, end: string): string => (step === undefined ? end : `#${verb}-${step}`)

const ended = (order: readonly SagaStep[], end: SagaOutput['end']) => ({
  type: 'final' as const,
  output: ({ context: { results, steps, reason, isCancelled } }: { context: SagaContext }): Outcome<SagaOutput> => ({
    kind: 'outcome',
    status: end === 'completed' ? 'done' : isCancelled ? 'cancelled' : 'failed',
    output: { end, results, steps: order.flatMap(({ name }) => steps[name] ?? []) },
    reason,
    usage: noUsage,
  }),
})

/**
 * Steps that belong together: all are done, or what was done is undone, the last step first. What cannot be undone stands
 * still with a dead letter (`undoing: { <step>: 'held' }`, tag `held`): replay it, or send `saga.retry` or `saga.leave`.
 * Each `do` has one idempotency key and each `undo` another. Output: an Outcome that is `done` when completed, with what came of each step.
 * Throws `config/invalid`.
 *
 * @example
 * const trip = saga<{ days: number }>({ name: 'trip', steps: [
 *   [{ name: 'flight', do: bookFlight, undo: cancelFlight }, { name: 'hotel', do: bookHotel, undo: cancelHotel, timeoutMs: 60_000 }],
 *   { name: 'pay', do: 'payment', input: ({ results }) => ({ cents: results.hotel }) },
 * ] })
 */
export function saga<TInput = unknown>(options: SagaOptions<TInput>) {
  const { name, description = `does ${options.steps.length} steps, or undoes what it did`, capabilities = [] } = options
  const groups = checked(options)
  const steps = groups.flat()
  const groupNames = groups.map(groupName)
  const byName = new Map(steps.map(step => [step.name, step]))
  const stepAt = (step: string): SagaStep => byName.get(step) as SagaStep
  const undoable = steps.filter(({ undo }) => undo !== undefined).toReversed()
  return setup({
    types: { context: {} as SagaContext<TInput>, events: {} as SagaEvent, input: {} as TInput, output: {} as Outcome<SagaOutput>, tags: {} as 'held' },
    schemas: { events: schemas },
    // Its key is drawn only when something is to be undone: what goes well pays nothing for it.
    actors: { ...actorsOf(steps), key: task({ run: ({ idempotencyKey }: TaskScope<unknown>) => idempotencyKey }) },
    guards: {
      hasFailed: ({ context }) => Object.values(context.steps).some(({ status }) => status === 'failed' || status === 'unclear'),
      isNeeded: ({ context }, { step }: { readonly step: string }) => needOf(stepAt(step), context) === 'run',
      isUndecided: ({ context }, { step }: { readonly step: string }) => needOf(stepAt(step), context) instanceof Error,
      isToUndo: ({ context }, { step }: { readonly step: string }) => isToUndo(context, stepAt(step)),
      isHeld: ({ event }, { step }: { readonly step: string }) => 'step' in event && event.step === step,
      hasToUndo: ({ context }) => undoable.some(step => isToUndo(context, step)),
    },
    actions: {
      mark: assign(({ context }, outcome: StepOutcome) => ({ steps: { ...context.steps, [outcome.step]: outcome } })),
      fail: assign(({ context }, outcome: StepOutcome) => ({ steps: { ...context.steps, [outcome.step]: outcome }, reason: context.reason ?? `${outcome.step}: ${outcome.reason}` })),
      keep: assign(({ context }, { step, result }: { readonly step: string; readonly result: unknown }) => ({
        steps: { ...context.steps, [step]: { step, status: 'done' as const, reason: null } },
        results: { ...context.results, [step]: result },
      })),
      goOn: () => undefined,
      callOff: assign(({ context, event }) => ({
        isCancelled: true,
        reason: ('reason' in event ? event.reason : undefined) ?? 'it was called off',
        steps: Object.fromEntries(Object.entries(context.steps).map(([step, outcome]) => [step, outcome.status === 'doing' ? { ...outcome, status: 'unclear' as const, reason: 'it was called off' } : outcome])),
      })),
    },
  }).createMachine({
    id: name,
    meta: catalogued({ kind: 'machine', name, description, capabilities }),
    context: ({ input }) => ({ input, results: {}, steps: Object.fromEntries(steps.map(({ name: step }) => [step, { step, status: 'pending', reason: null }])), key: null, reason: null, isCancelled: false }),
    initial: 'doing',
    output: ({ event }) => (event as unknown as { output: Outcome<SagaOutput> }).output,
    // Whoever cancels waits until what was done is undone.
    on: { CANCEL: { actions: 'goOn' } },
    states: {
      doing: {
        initial: groupNames[0] as never,
        on: { 'saga.cancel': { target: 'turning', actions: 'callOff' }, CANCEL: { target: 'turning', actions: 'callOff' } },
        states: Object.fromEntries(groups.map((group, index) => [groupNames[index], doingGroup(group, stateOf('doing', groupNames[index + 1], '#completed'))])) as never,
      },
      turning: {
        id: 'turning',
        initial: 'deciding',
        states: {
          deciding: { always: [{ guard: 'hasToUndo', target: 'marking' }, { target: '#compensated' }] },
          marking: { invoke: { id: 'key', src: 'key', onDone: { target: stateOf('undoing', undoable[0]?.name, '#compensated'), actions: assign({ key: ({ event }) => event.output as string }) } } },
        },
      },
      ...(undoable[0] && {
        undoing: {
          initial: undoable[0].name,
          states: Object.fromEntries(undoable.map((step, index) => [step.name, undoing(step, stateOf('undoing', undoable[index + 1]?.name, '#compensated'))])) as never,
        },
      }),
      completed: { id: 'completed', ...ended(steps, 'completed') },
      compensated: { id: 'compensated', ...ended(steps, 'compensated') },
    },
  })
}
