import { Redis } from 'ioredis'
import { createRuntime, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createWorker } from 'troupe/worker'
import { assign, setup } from 'xstate'
import { best, costOf, median, rounds } from './harness.ts'
import type { Bench, Cost } from './harness.ts'
import { meet, serverCpuUs, withRedis } from './redis-lab.ts'

const QUEUE = 'small'
/** Tasks that the worker process runs at once. */
const CONCURRENCY = 200

const add = task({ queue: QUEUE, run: async ({ input }: TaskScope<number>) => input + 1 })

/** One small task after the other; each is asked for, run elsewhere and settled. */
const counter = setup({
  types: { context: {} as { readonly sum: number; readonly to: number }, input: {} as { readonly to: number } },
  actors: { add },
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ sum: 0, to: input.to }),
  initial: 'adding',
  states: {
    adding: {
      invoke: { src: 'add', input: ({ context }) => context.sum, onDone: { target: 'deciding', actions: assign({ sum: ({ event }) => event.output }) } },
    },
    deciding: { always: [{ guard: ({ context }) => context.sum < context.to, target: 'adding' }, 'enough'] },
    enough: { type: 'final' },
  },
  output: ({ context }) => context.sum,
})

interface Load {
  readonly url: string
  readonly actors: number
  /** Tasks of each actor. */
  readonly tasks: number
}

/** The process that owns the actors and runs no task. */
async function owner({ url, actors, tasks }: Load): Promise<Cost & { readonly serverUs: number }> {
  await using runtime = await createRuntime({ machines: { counter }, store: url })
  const run = async (name: string): Promise<void> => {
    const handles = Array.from({ length: actors }, (_, index) => runtime.actor(counter, `${name}-${index}`))
    await Promise.all(handles.map(handle => handle.start({ to: tasks })))
    const sums = await Promise.all(handles.map(handle => handle.result()))
    if (sums.some(sum => sum !== tasks)) throw new Error(`an actor has counted ${Math.min(...(sums as number[]))} instead of ${tasks}`)
  }
  await meet(url, 'open', 2)
  await run('warm')
  const before = await serverCpuUs(url)
  const cost = await costOf(() => run('measured'))
  const serverUs = (await serverCpuUs(url)) - before
  await meet(url, 'done', 2)
  return { ...cost, serverUs }
}

/** The process that runs all tasks. */
async function worker({ url }: Load): Promise<Cost> {
  await using _worker = await createWorker({ machines: { counter }, store: url, queues: { [QUEUE]: { concurrency: CONCURRENCY } } })
  await meet(url, 'open', 2)
  // Awaited here: what is used goes when the function ends.
  return await costOf(() => meet(url, 'done', 2))
}

/** The raw limit: the same bytes into a stream, out of it in a group, and acknowledged, pipelined in batches. */
async function raw({ url, actors, tasks }: Load): Promise<Cost & { readonly serverUs: number }> {
  const client = new Redis(url)
  await client.xgroup('CREATE', 'raw', 'workers', '0', 'MKSTREAM')
  const batch = 100
  const order = 'o'.repeat(220)
  const run = async (): Promise<void> => {
    for (let done = 0; done < actors * tasks; done += batch) {
      const pipeline = client.pipeline()
      for (let n = 0; n < batch; n++) pipeline.xadd('raw', '*', 'id', `default/counter/c-${n}:1:1`, 'data', order)
      await pipeline.exec()
      const [[, entries]] = (await client.xreadgroup('GROUP', 'workers', 'w', 'COUNT', batch, 'STREAMS', 'raw', '>')) as [[string, [string, string[]][]]]
      const ids = entries.map(([id]) => id)
      await client.pipeline().xack('raw', 'workers', ...ids).xdel('raw', ...ids).exec()
    }
  }
  await run()
  const before = await serverCpuUs(url)
  const cost = await costOf(run)
  const serverUs = (await serverCpuUs(url)) - before
  client.disconnect()
  return { ...cost, serverUs }
}

export const bench: Bench = {
  name: 'task-queue',
  question: 'How many small tasks a second go from actors of one process through Redis to one worker process and back?',
  sides: { owner, worker, raw },
  async run(lab) {
    const size = lab.quick ? { actors: 100, tasks: 10 } : { actors: 500, tasks: 60 }
    const count = size.actors * size.tasks
    const measured = await rounds(lab.quick ? 1 : 5, async round => {
      lab.say(`round ${round}`)
      const limit = await withRedis(url => lab.measure(raw, { url, ...size }))
      const [owned, worked] = await withRedis(url => Promise.all([lab.measure(owner, { url, ...size }), lab.measure(worker, { url, ...size })]))
      // The worker's figure holds the warm-up too.
      return { perSecond: (count / owned.wallMs) * 1000, ownerUs: owned.cpuUs / count, workerUs: worked.cpuUs / (2 * count), redisUs: owned.serverUs / count, rawPerSecond: (count / limit.wallMs) * 1000, rawRedisUs: limit.serverUs / count }
    })
    const of = (figure: (one: (typeof measured)[number]) => number): number => median(measured.map(figure))
    return [
      { figure: 'perSecond', value: best(measured.map(({ perSecond }) => perSecond)), unit: 'tasks/s', atLeast: 5_000 },
      { figure: 'ownerCpuUsPerTask', value: of(({ ownerUs }) => ownerUs), unit: 'us' },
      { figure: 'workerCpuUsPerTask', value: of(({ workerUs }) => workerUs), unit: 'us' },
      { figure: 'redisCpuUsPerTask', value: of(({ redisUs }) => redisUs), unit: 'us' },
      { figure: 'rawPerSecond', value: best(measured.map(({ rawPerSecond }) => rawPerSecond)), unit: 'tasks/s' },
      { figure: 'rawRedisCpuUsPerTask', value: of(({ rawRedisUs }) => rawRedisUs), unit: 'us' },
    ]
  },
}
