import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { setup } from 'xstate'
import type { Client } from '../client.ts'
import type { Outside } from '../outside.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const CLIENTS = 4
/** Operations that one errand stands for: it has four tasks. */
const WEIGHT = 5
const TIMEOUT_MS = 800
const FAILURES_MAX = 3

interface Errand {
  readonly name: string
  /** How often the first task fails before it succeeds. */
  readonly failures: number
  /** How long the last task is waited for. */
  readonly patienceMs: number
}

/** Asks for one task after the other: one that fails a few times, one that always does, one of which nobody may wait for the end. */
const createErrand = (outside: Outside) => {
  const begin = (name: string, { input, idempotencyKey: key, attempt }: TaskScope<Errand>): void => outside.effect({ task: `${name} of ${input.name}`, key, attempt })
  const often = { retry: { attempts: 60, baseMs: 40, factor: 1 }, timeout: TIMEOUT_MS } as const
  const seen = new Map<string, number>()
  return setup({
    types: { context: {} as Errand, input: {} as Errand },
    delays: { patience: ({ context }) => context.patienceMs },
    actors: {
      flaky: task({
        ...often,
        run: (scope: TaskScope<Errand>) => {
          begin('flaky', scope)
          return outside.call(() => {
            const times = (seen.get(scope.idempotencyKey) ?? 0) + 1
            seen.set(scope.idempotencyKey, times)
            if (times <= scope.input.failures) throw new Error(`try ${times} is one too few`)
            outside.note(scope.idempotencyKey, `flaky of ${scope.input.name}`)
            return scope.input.name
          })
        },
      }),
      hopeless: task({
        retry: { attempts: 2, baseMs: 40 },
        run: (scope: TaskScope<Errand>) => {
          begin('hopeless', scope)
          return Promise.reject(new Error('hopeless'))
        },
      }),
      slow: task({
        ...often,
        run: async (scope: TaskScope<Errand>) => {
          begin('slow', scope)
          scope.heartbeat({ attempt: scope.attempt })
          for (let leg = 0; leg < 3; leg++) await outside.call(() => undefined)
          return scope.attempt
        },
      }),
    },
  }).createMachine({
    context: ({ input }) => input,
    output: ({ context }) => context.name,
    initial: 'calling',
    states: {
      calling: { invoke: { src: 'flaky', input: ({ context }) => context, onDone: 'declining' } },
      declining: { invoke: { src: 'hopeless', input: ({ context }) => context, onError: 'waiting' } },
      waiting: { invoke: { src: 'slow', input: ({ context }) => context, onDone: 'back' }, after: { patience: 'back' } },
      back: { type: 'final' },
    },
  })
}

export function createErrands({ outside, hire, size }: WorkloadParts): Workload {
  const finished = new Map<string, unknown>()
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLIENTS))

  async function sender(client: Client): Promise<void> {
    const { draw } = client
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const name = client.nextOperation()
      finished.set(name, await client.result(`errand/${name}`, { name, failures: draw.from(0, FAILURES_MAX), patienceMs: draw.from(60, 400) }))
    }
  }

  return {
    machines: { errand: createErrand(outside) },
    run: async () => void (await Promise.all(Array.from({ length: CLIENTS }, (_, index) => sender(hire(`e${index}-`))))),
    checks: {
      P7: ({ hasLostTail }, report) => {
        for (const [name, output] of finished) if (output !== name) report(`errand/${name} came back with ${JSON.stringify(output)}`)
        const done = new Set(outside.deeds.map(({ what }) => what))
        for (const name of finished.keys()) if (!done.has(`flaky of ${name}`) && !hasLostTail) report(`errand/${name} is over, but what it had to do was never done`)
      },
    },
    mayLive: () => false,
  }
}
