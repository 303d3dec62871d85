import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { saga } from 'troupe/machines'
import type { SagaOutput, UndoInput } from 'troupe/machines'
import type { Client } from '../client.ts'
import type { Deed as Made, Outside } from '../outside.ts'
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

interface Deed {
  readonly name: string
  readonly step: number
  readonly isDeclined: boolean
}

class Declined extends Error {
  override readonly name = 'Declined'
}

/** Up to so many steps, of which each saga has its own number. */
const createSaga = (outside: Outside) => {
  const services = createServices(outside)
  const often = { retry: { attempts: 60, baseMs: 40, factor: 1 }, retryIf: (error: unknown) => !(error instanceof Declined), timeout: TIMEOUT_MS } as const
  const act = (verb: 'does' | 'undoes', { idempotencyKey: key, attempt }: TaskScope<unknown>, deed: Deed) => {
    outside.effect({ task: `${deed.name} ${verb} ${deed.step}`, key, attempt })
    return outside.call(() => services[verb](key, deed))
  }
  return saga<SagaInput>({
    name: 'saga',
    steps: Array.from({ length: STEPS_MAX }, (_, step) => ({
      name: `s${step}`,
      when: ({ input }) => step < input.steps,
      input: ({ input: { name, declined } }): Deed => ({ name, step, isDeclined: step === declined }),
      do: task({ ...often, run: (scope: TaskScope<Deed>) => act('does', scope, scope.input) }),
      undo: task({ ...often, run: (scope: TaskScope<UndoInput<SagaInput>>) => act('undoes', scope, { name: scope.input.input.name, step, isDeclined: false }) }),
    })),
  })
}

/** What sagas book: once per key, however often they are asked, and now and then with an error that says nothing. */
function createServices(outside: Outside) {
  const decided = new Map<string, boolean>()
  const once = (verb: string, key: string, { name, step, isDeclined }: Deed): void => {
    if (!decided.has(key)) {
      decided.set(key, isDeclined)
      if (!isDeclined) outside.note(key, `${name} ${verb} ${step}`)
    }
    if (decided.get(key)) throw new Declined(`step ${step} of ${name} is declined`)
  }
  return {
    does: (key: string, deed: Deed): void => once('does', key, deed),
    undoes: (key: string, deed: Deed): void => once('undoes', key, deed),
  }
}

export function createSagas({ outside, hire, size }: WorkloadParts): Workload {
  const sagas = new Map<string, SagaInput & { readonly end: SagaOutput['end'] }>()
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLIENTS))

  async function customer(client: Client): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const name = client.nextOperation()
      const steps = client.draw.from(1, STEPS_MAX + 1)
      const input = { name, steps, declined: client.draw.from(0, 2 * steps) }
      const { output } = (await client.result(`saga/${name}`, input)) as { readonly output: SagaOutput }
      sagas.set(name, { ...input, end: output.end })
    }
  }

  const check = ({ hasLostTail }: Aftermath, report: Report): void => {
    const deeds = Map.groupBy(outside.deeds, ({ what }: Made) => what.slice(0, what.indexOf(' ')))
    for (const { name, steps, declined, end } of sagas.values()) {
      const isDeclined = declined < steps
      if (end !== (isDeclined ? 'compensated' : 'completed')) report(`saga/${name} ended ${end}, with ${steps} steps of which ${declined} is declined`)
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
