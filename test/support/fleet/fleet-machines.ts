import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { saga } from 'troupe/machines'
import type { SagaGiven, SagaOutput, UndoInput } from 'troupe/machines'
import { enqueueActions, setup } from 'xstate'
import { isOutcome } from '../../../machines/outcome.ts'
import { createMachines } from '../faults/machines.ts'
import type { Effect } from '../faults/machines.ts'

export interface Job {
  readonly name: string
  readonly ms: number
  /** Attempts that fail before one succeeds. */
  readonly failures: number
}

export interface Saga {
  readonly name: string
  readonly steps: number
  /** The step that is declined, from 0; beyond the last one for a saga that goes well. */
  readonly declined: number
}

class Declined extends Error {
  override readonly name = 'Declined'
}

export const SAGA_STEPS_MAX = 4

/** More attempts than any number of kills takes. */
const patience = { attempts: 10_000, baseMs: 5, maxMs: 20 } as const

/** Up to so many steps, of which each saga has its own number; the one that is declined has the others undone. */
const createSaga = (effect: (effect: Effect) => void) => {
  const act = (verb: 'does' | 'undoes', step: number, { name }: Saga, { idempotencyKey: key, attempt }: TaskScope<unknown>): void => effect({ task: `${name} ${verb} ${step}`, key, attempt })
  const often = { retry: patience, retryIf: (error: unknown) => !(error instanceof Declined) } as const
  return saga<Saga>({
    name: 'saga',
    steps: Array.from({ length: SAGA_STEPS_MAX }, (_, step) => ({
      name: `s${step}`,
      when: ({ input }) => step < input.steps,
      do: task({
        ...often,
        run: (scope: TaskScope<SagaGiven<Saga>>) => {
          const { name, declined } = scope.input.input
          if (step === declined) throw new Declined(`step ${step} of ${name} is declined`)
          act('does', step, scope.input.input, scope)
        },
      }),
      undo: task({ ...often, run: (scope: TaskScope<UndoInput<Saga>>) => act('undoes', step, scope.input.input, scope) }),
    })),
  })
}

type Order = ({ readonly type: 'WORK' } & Job) | ({ readonly type: 'SAGA' } & Saga)

export interface Foreman {
  /** What each job and saga came to. */
  readonly results: Readonly<Record<string, unknown>>
}

/** Has jobs done as tasks of its own, and sagas by durable children. */
const createForeman = (effect: (effect: Effect) => void) =>
  setup({
    types: { context: {} as Foreman, events: {} as Order | { type: 'xstate.done.actor.*'; actorId: string; output: unknown } },
    actors: {
      saga: remote<ReturnType<typeof createSaga>>('saga'),
      job: task({
        retry: patience,
        run: async ({ input: { name, ms, failures }, idempotencyKey: key, attempt }: TaskScope<Job>) => {
          effect({ task: name, key, attempt })
          await new Promise(resolve => setTimeout(resolve, ms))
          if (attempt <= failures) throw new Error(`${name} fails at attempt ${attempt}`)
          return name
        },
      }),
    },
  }).createMachine({
    context: { results: {} },
    on: {
      WORK: { actions: enqueueActions(({ enqueue, event }) => enqueue.spawnChild('job', { id: event.name, input: event })) },
      SAGA: { actions: enqueueActions(({ enqueue, event }) => enqueue.spawnChild('saga', { id: event.name, input: event })) },
      'xstate.done.actor.*': {
        actions: enqueueActions(({ enqueue, context, event: { actorId, output } }) => {
          enqueue.assign({ results: { ...context.results, [actorId]: isOutcome(output) ? (output.output as SagaOutput).end : output } })
          enqueue.stopChild(actorId)
        }),
      },
    },
  })

/** Bank accounts, timers, and those who have jobs and sagas done. */
export function createFleetMachines(effect: (effect: Effect) => void) {
  const { account, clockwork } = createMachines({ effect, gate: () => Promise.resolve() })
  return { account, clockwork, saga: createSaga(effect), foreman: createForeman(effect) }
}
