import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, setup } from 'xstate'
import type { Client } from '../client.ts'
import type { Deed, Outside } from '../outside.ts'
import type { Aftermath, Report, Workload, WorkloadParts } from './workload.ts'

const CLIENTS = 5
/** Operations that one saga stands for. */
const WEIGHT = 2.5
const STEPS_MAX = 4
const TIMEOUT_MS = 800

interface SagaInput {
  readonly name: string
  readonly steps: number
  /** The step that is declined, from 0; past the last one for a saga that goes well. */
  readonly declined: number
}

interface SagaStep {
  readonly name: string
  readonly step: number
  readonly isDeclined: boolean
}

class Declined extends Error {
  override readonly name = 'Declined'
}

/** Does step after step; once one is declined, undoes what it has done, the last step first. */
const createSaga = (outside: Outside) => {
  const services = createServices(outside)
  const often = { retry: { attempts: 60, baseMs: 40, factor: 1 }, retryIf: (error: unknown) => !(error instanceof Declined), timeout: TIMEOUT_MS } as const
  const run = (verb: 'does' | 'undoes', serve: (scope: TaskScope<SagaStep>) => void) =>
    task({
      ...often,
      run: (scope: TaskScope<SagaStep>) => {
        const { name, step } = scope.input
        outside.effect({ task: `${name} ${verb} ${step}`, key: scope.idempotencyKey, attempt: scope.attempt })
        return outside.call(() => serve(scope))
      },
    })
  const input = ({ context: { name, step, declined } }: { context: SagaInput & { step: number } }): SagaStep => ({ name, step, isDeclined: step === declined })
  return setup({
    types: { context: {} as SagaInput & { step: number }, input: {} as SagaInput, output: {} as 'completed' | 'compensated' },
    actors: { do: run('does', services.do), undo: run('undoes', services.undo) },
    actions: { next: assign({ step: ({ context }) => context.step + 1 }), back: assign({ step: ({ context }) => context.step - 1 }) },
  }).createMachine({
    context: ({ input: given }) => ({ ...given, step: 0 }),
    initial: 'doing',
    output: ({ event }) => (event as unknown as { output: 'completed' | 'compensated' }).output,
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

/** What sagas book: once per key, however often they are asked, and now and then with an error that says nothing. */
function createServices(outside: Outside) {
  const decided = new Map<string, boolean>()
  const once = (verb: string, { input, idempotencyKey }: TaskScope<SagaStep>, isDeclined: boolean): void => {
    if (!decided.has(idempotencyKey)) {
      decided.set(idempotencyKey, isDeclined)
      if (!isDeclined) outside.note(idempotencyKey, `${input.name} ${verb} ${input.step}`)
    }
    if (decided.get(idempotencyKey)) throw new Declined(`step ${input.step} of ${input.name} is declined`)
  }
  return {
    do: (scope: TaskScope<SagaStep>): void => once('does', scope, scope.input.isDeclined),
    undo: (scope: TaskScope<SagaStep>): void => once('undoes', scope, false),
  }
}

export function createSagas({ outside, hire, size }: WorkloadParts): Workload {
  const sagas = new Map<string, SagaInput & { output: unknown }>()
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLIENTS))

  async function customer(client: Client): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const name = client.nextOperation()
      const steps = client.draw.from(1, STEPS_MAX + 1)
      const input = { name, steps, declined: client.draw.from(0, 2 * steps) }
      sagas.set(name, { ...input, output: await client.result(`saga/${name}`, input) })
    }
  }

  const check = ({ hasLostTail }: Aftermath, report: Report): void => {
    const deeds = Map.groupBy(outside.deeds, ({ what }: Deed) => what.slice(0, what.indexOf(' ')))
    for (const { name, steps, declined, output } of sagas.values()) {
      const isDeclined = declined < steps
      if (output !== (isDeclined ? 'compensated' : 'completed')) report(`saga/${name} ended ${JSON.stringify(output)}, with ${steps} steps of which ${declined} is declined`)
      const count = Math.min(steps, declined)
      const forth = Array.from({ length: count }, (_, step) => `${name} does ${step}`)
      const back = isDeclined ? forth.toReversed().map(what => what.replace('does', 'undoes')) : []
      const made = (deeds.get(name) ?? []).map(({ what }) => what)
      // A store that forgets may have a saga do again what was done before: under the same key, so nothing comes of it.
      const expected = [...forth, ...back]
      if (made.join() !== expected.join() && !hasLostTail) report(`saga/${name} did ${made.join(', ')} instead of ${expected.join(', ')}`)
    }
  }

  return {
    machines: { saga: createSaga(outside) },
    run: async () => void (await Promise.all(Array.from({ length: CLIENTS }, (_, index) => customer(hire(`s${index}-`))))),
    checks: { P8: check },
    mayLive: () => false,
  }
}
