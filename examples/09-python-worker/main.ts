import { createRuntime, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, setup } from 'xstate'

interface Trend {
  readonly perHour: number
  readonly next: number
}

/** Done by `tasks.py`, which serves the queue; this process only waits for it. */
const trend = task({
  queue: 'python',
  run: ({ input }: TaskScope<readonly number[]>): Trend => {
    throw new Error(`only Python knows the trend of ${input.length} readings: give a store whose queues are shared, redis://…`)
  },
  retry: 3,
  timeout: 30_000,
})

const station = setup({
  types: { input: {} as readonly number[], context: {} as { readonly readings: readonly number[]; readonly trend: Trend | string }, output: {} as Trend | string },
  actors: { trend },
}).createMachine({
  context: ({ input }) => ({ readings: input, trend: 'not known yet' }),
  initial: 'measured',
  states: {
    measured: {
      invoke: {
        src: 'trend',
        input: ({ context }) => context.readings,
        onDone: { target: 'over', actions: assign({ trend: ({ event }) => event.output }) },
        onError: { target: 'over', actions: assign({ trend: ({ event }) => String(event.error) }) },
      },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.trend,
})

const [store = 'redis://localhost:6379'] = process.argv.slice(2)
await using runtime = await createRuntime({ machines: { station }, store })
const measured = { roof: [18.2, 19.1, 19.8, 21.0], cellar: [12.1, 12.1, 12.0], attic: [24.5] }
console.log('Python is asked for the trends of three stations. Kill its worker at any time, and start another one.')
await Promise.all(Object.entries(measured).map(async ([key, readings]) => {
  await runtime.actor(station, key).start(readings)
  console.log(key, await runtime.actor(station, key).result())
}))
