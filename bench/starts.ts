import { assign, createActor, setup } from 'xstate'
import { createRuntime, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { best, costOf, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'
import { openObservedStore } from './observed-store.ts'

const add = task({ run: async ({ input }: TaskScope<number>) => input + 1 })

/** Three durable tasks, one after the other: each is asked for, run and settled in commits of its own. */
const workflow = setup({
  types: { context: {} as { readonly sum: number }, input: {} as { readonly sum: number }, output: {} as number },
  actors: { add },
  actions: { keep: assign({ sum: (_, { sum }: { readonly sum: number }) => sum }) },
}).createMachine({
  id: 'workflow',
  context: ({ input }) => ({ sum: input.sum }),
  initial: 'first',
  states: {
    first: { invoke: { src: 'add', input: ({ context }) => context.sum, onDone: { target: 'second', actions: { type: 'keep', params: ({ event }) => ({ sum: event.output }) } } } },
    second: { invoke: { src: 'add', input: ({ context }) => context.sum, onDone: { target: 'third', actions: { type: 'keep', params: ({ event }) => ({ sum: event.output }) } } } },
    third: { invoke: { src: 'add', input: ({ context }) => context.sum, onDone: { target: 'end', actions: { type: 'keep', params: ({ event }) => ({ sum: event.output }) } } } },
    end: { type: 'final' },
  },
  output: ({ context }) => context.sum,
})

/** Three events, sent from outside. */
const form = setup({ types: { events: {} as { readonly type: 'NEXT' } } }).createMachine({
  id: 'form',
  initial: 'first',
  states: { first: { on: { NEXT: 'second' } }, second: { on: { NEXT: 'third' } }, third: { on: { NEXT: 'end' } }, end: { type: 'final' } },
})

interface Load {
  readonly workflows: number
  readonly file: string
}

/** A runtime that tells when so many actors are done. */
async function open(file: string) {
  let left = 0
  let finish: () => void = () => undefined
  const store = await openObservedStore({ path: file }, ({ actors }) => {
    for (const { record } of actors) if (record.status === 'done' && --left === 0) finish()
  })
  const runtime = await createRuntime({ machines: { workflow, form }, store })
  const done = (count: number): Promise<void> => {
    left = count
    return new Promise(resolve => (finish = resolve))
  }
  return { runtime, done, close: () => runtime.close().then(() => store.close()) }
}

/** What XState alone takes for it, in memory. */
async function plain({ workflows }: Load) {
  const all = () =>
    costOf(() =>
      Promise.all(
        Array.from({ length: workflows }, (_, index) => new Promise<void>(resolve => createActor(workflow, { input: { sum: index } }).start().subscribe({ complete: resolve }))),
      ),
    )
  await all()
  return all()
}

/** Starts all and waits until all are done; nobody asks for a result. */
async function tasks({ workflows, file }: Load) {
  const { runtime, done, close } = await open(file)
  const all = (batch: string) =>
    costOf(async () => {
      const finished = done(workflows)
      await Promise.all(Array.from({ length: workflows }, (_, index) => runtime.actor(workflow, `${batch}-${index}`).start({ sum: index })))
      await finished
    })
  await all('warm-up')
  const cost = await all('measured')
  const output = await runtime.actor(workflow, `measured-${workflows - 1}`).result()
  if (output !== workflows + 2) throw new Error(`the last workflow gave ${output} instead of ${workflows + 2}`)
  await close()
  return cost
}

/** The same, and each one's starter waits for its result. */
async function results({ workflows, file }: Load) {
  const { runtime, close } = await open(file)
  const all = (batch: string) =>
    costOf(() =>
      Promise.all(
        Array.from({ length: workflows }, async (_, index) => {
          const handle = runtime.actor(workflow, `${batch}-${index}`)
          await handle.start({ sum: index })
          return handle.result()
        }),
      ),
    )
  await all('warm-up')
  const cost = await all('measured')
  await close()
  return cost
}

async function events({ workflows, file }: Load) {
  const { runtime, done, close } = await open(file)
  const all = (batch: string) =>
    costOf(async () => {
      const finished = done(workflows)
      await Promise.all(
        Array.from({ length: workflows }, async (_, index) => {
          const handle = runtime.actor(form, `${batch}-${index}`)
          await handle.start()
          for (let step = 0; step < 3; step++) await handle.send({ type: 'NEXT' })
        }),
      )
      await finished
    })
  await all('warm-up')
  const cost = await all('measured')
  await close()
  return cost
}

export const bench: Bench = {
  name: 'starts',
  question: 'How many small workflows of three steps come from start to completion per second?',
  sides: { plain, tasks, results, events },
  async run(lab) {
    const workflows = lab.quick ? 1000 : 5000
    const measured = await rounds(lab.quick ? 1 : 5, async round => {
      lab.say(`round ${round}`)
      const load = (name: string): Load => ({ workflows, file: lab.file(name) })
      return { plain: await lab.measure(plain, load('unused')), tasks: await lab.measure(tasks, load('tasks.db')), results: await lab.measure(results, load('results.db')), events: await lab.measure(events, load('events.db')) }
    })
    const perSecond = (side: keyof (typeof measured)[number]): number => best(measured.map(costs => (workflows / costs[side].wallMs) * 1000))
    const cpuUs = (side: keyof (typeof measured)[number]): number => median(measured.map(costs => costs[side].cpuUs)) / workflows
    return [
      { figure: 'perSecond', value: perSecond('tasks'), unit: 'workflows/s', atLeast: 4000 },
      { figure: 'perSecondOfEvents', value: perSecond('events'), unit: 'workflows/s' },
      { figure: 'perSecondWithResult', value: perSecond('results'), unit: 'workflows/s' },
      { figure: 'plainPerSecond', value: perSecond('plain'), unit: 'workflows/s' },
      { figure: 'cpuUsPerWorkflow', value: cpuUs('tasks'), unit: 'us' },
      { figure: 'plainCpuUsPerWorkflow', value: cpuUs('plain'), unit: 'us' },
    ]
  },
}
