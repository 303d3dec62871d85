import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, enqueueActions, setup } from 'xstate'
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

/** More attempts than any number of kills takes. */
const often = { attempts: 10_000, baseMs: 5, maxMs: 20 } as const

interface SagaStep extends Saga {
  readonly step: number
}

/** Does step after step; once one is declined, undoes what it has done, the last step first. */
const createSaga = (effect: (effect: Effect) => void) => {
  const run = (verb: 'does' | 'undoes') =>
    task({
      retry: often,
      retryIf: error => !(error instanceof Declined),
      run: async ({ input: { name, step, declined }, idempotencyKey: key, attempt }: TaskScope<SagaStep>) => {
        if (verb === 'does' && step === declined) throw new Declined(`step ${step} of ${name} is declined`)
        effect({ task: `${name} ${verb} ${step}`, key, attempt })
      },
    })
  const input = ({ context }: { context: SagaStep }) => context
  return setup({
    types: { context: {} as SagaStep, input: {} as Saga, output: {} as 'completed' | 'compensated' },
    actors: { do: run('does'), undo: run('undoes') },
    actions: { next: assign({ step: ({ context }) => context.step + 1 }), back: assign({ step: ({ context }) => context.step - 1 }) },
  }).createMachine({
    context: ({ input: given }) => ({ ...given, step: 0 }),
    output: ({ event }) => (event as unknown as { output: 'completed' | 'compensated' }).output,
    initial: 'doing',
    states: {
      doing: { invoke: { src: 'do', input, onDone: { target: 'done', actions: 'next' }, onError: { target: 'undone', actions: 'back' } } },
      done: { always: [{ guard: ({ context }) => context.step >= context.steps, target: 'completed' }, 'doing'] },
      undoing: { invoke: { src: 'undo', input, onDone: { target: 'undone', actions: 'back' } } },
      undone: { always: [{ guard: ({ context }) => context.step < 0, target: 'compensated' }, 'undoing'] },
      completed: { type: 'final', output: 'completed' },
      compensated: { type: 'final', output: 'compensated' },
    },
  })
}

type Order = ({ readonly type: 'WORK' } & Job) | ({ readonly type: 'SAGA' } & Saga)

export interface Foreman {
  /** What each job and saga came to. */
  readonly results: Readonly<Record<string, unknown>>
}

/** Has jobs done as tasks of its own, and sagas by durable children. */
const createForeman = (effect: (effect: Effect) => void, saga: ReturnType<typeof createSaga>) =>
  setup({
    types: { context: {} as Foreman, events: {} as Order | { type: 'xstate.done.actor.*'; actorId: string; output: unknown } },
    actors: {
      saga: remote<typeof saga>('saga'),
      job: task({
        retry: often,
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
          enqueue.assign({ results: { ...context.results, [actorId]: output } })
          enqueue.stopChild(actorId)
        }),
      },
    },
  })

/** Bank accounts, timers, and those who have jobs and sagas done. */
export function createFleetMachines(effect: (effect: Effect) => void) {
  const { account, clockwork } = createMachines({ effect, gate: () => Promise.resolve() })
  const saga = createSaga(effect)
  return { account, clockwork, saga, foreman: createForeman(effect, saga) }
}
