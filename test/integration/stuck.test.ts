import { describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { Runtime } from 'troupe'
import { createTestWorld } from 'troupe/testing'
import { assign, createMachine, fromCallback, fromTransition, setup } from 'xstate'

const END = 'and it has no timer, no task and no child that lives'

/** Starts an actor of each machine and gives back, by machine, why those that are stuck are. */
async function reasons(machines: Parameters<typeof createTestWorld>[0]['machines']): Promise<Record<string, string>> {
  await using world = await createTestWorld({ machines })
  for (const machine of Object.keys(machines)) await world.runtime.at(`${machine}/1`).start()
  await world.settle()
  return await reasonsOf(world.runtime as unknown as Runtime)
}

async function reasonsOf(runtime: Runtime): Promise<Record<string, string>> {
  const { actors } = await runtime.stuck()
  return Object.fromEntries(actors.map(({ address, reason }) => [address.slice(0, address.indexOf('/')), reason]))
}

/** Ends at the event `END`, or throws at `BREAK`, and is stopped for it. */
const worker = {
  machine: setup({ types: { events: {} as { readonly type: 'END' } | { readonly type: 'BREAK' } } }).createMachine({
    initial: 'working',
    states: {
      working: { on: { END: 'over', BREAK: { actions: () => { throw new Error('broken') } } } },
      over: { type: 'final' },
    },
  }),
  supervision: { strategy: 'stop' },
} as const

const parent = setup({ actors: { worker: remote<typeof worker.machine>('worker') } }).createMachine({
  initial: 'waiting',
  states: { waiting: { invoke: { src: 'worker', id: 'helper', onDone: 'over' } }, over: { type: 'final' } },
})

describe('what nothing can wake is stuck', () => {
  test('an actor in a state that leads nowhere: its address, run, states and since when', async () => {
    const order = setup({}).createMachine({ initial: 'open', states: { open: { on: { PAY: 'lost' } }, lost: { initial: 'deep', states: { deep: {} } } } })
    await using world = await createTestWorld({ machines: { order } })
    const { runtime, clock } = world
    await runtime.actor('order', '1').start()
    await runtime.actor('order', '2').start()
    await world.advance(1_000)
    await runtime.actor('order', '2').send({ type: 'PAY' })
    const since = clock.now()
    await world.advance(60_000)
    expect(await runtime.stuck()).toEqual({ actors: [{ address: 'order/2', run: 'order/2', states: ['lost', 'lost.deep'], since, reason: `it takes no event in state lost, lost.deep, ${END}` }], judged: 2, cursor: undefined })
  })

  test('one whose task is over without a way on, one whose event is forbidden, one whose child in process leads nowhere', async () => {
    const inner = setup({}).createMachine({ initial: 'nowhere', states: { nowhere: {} } })
    const stuck = await reasons({
      forgetful: setup({ actors: { work: task({ run: () => 1 }) } }).createMachine({ initial: 'working', states: { working: { invoke: { src: 'work', id: 'work' } } } }),
      forbidding: setup({}).createMachine({ initial: 'closed', states: { closed: { on: { PAY: {} } } } }),
      waiting: setup({ actors: { inner } }).createMachine({ invoke: { src: 'inner', id: 'inner' } }),
      empty: setup({}).createMachine({}),
    })
    expect(stuck).toEqual({
      forgetful: `it takes no event in state working, ${END}; its child work is over (done)`,
      forbidding: `it takes no event in state closed, ${END}`,
      waiting: `it takes no event, ${END}`,
      empty: `it takes no event, ${END}`,
    })
  })

  test('a parent whose durable child was stopped, and so has told it no outcome', async () => {
    await using world = await createTestWorld({ machines: { parent, worker } })
    const { runtime } = world
    await runtime.actor('parent', '1').start()
    const [child] = (await runtime.actors({ machine: 'worker' })).actors
    expect((await runtime.stuck()).actors).toEqual([])
    await runtime.at(child?.address ?? '').ask({ type: 'BREAK' }).catch(() => undefined)
    expect(await reasonsOf(runtime as unknown as Runtime)).toEqual({ parent: `it takes no event in state waiting, ${END}; its child helper (${child?.address}) is over (stopped)` })
  })

  test('a parent that was never told that its durable child is over, once word of it cannot be on its way any more', async () => {
    // What the child says waits for its paused parent, and cannot be read any more: it goes to the dead letters.
    const decode = (text: string): string => { if (text.includes('"kind":"child"')) throw new Error('damaged'); return text }
    await using world = await createTestWorld({ machines: { parent, worker }, codec: { encode: text => text, decode } })
    const { runtime } = world
    const actor = runtime.actor('parent', '1')
    await actor.start()
    const [child] = (await runtime.actors({ machine: 'worker' })).actors
    await actor.pause()
    await runtime.at(child?.address ?? '').send({ type: 'END' })
    await actor.resume()
    await world.settle()
    expect(await runtime.deadLetters.list()).toHaveLength(1)
    await world.advance(30_000)
    expect((await runtime.stuck()).actors).toEqual([])
    await world.advance(1)
    expect(await reasonsOf(runtime as unknown as Runtime)).toEqual({ parent: `it takes no event in state waiting, ${END}; its child ${child?.address} is done and has told it nothing` })
  })

  test('one whose checkpoint is damaged', async () => {
    await using world = await createTestWorld({ machines: { worker } })
    await world.runtime.actor('worker', '1').start()
    await world.runtime.actor('worker', '2').start()
    const runtime = await world.restart({ codec: { encode: text => text, decode: (text, { key }) => { if (key === '1') throw new Error('key lost'); return text } } })
    expect((await runtime.stuck()).actors).toMatchObject([{ address: 'worker/1', reason: 'data of worker/1 is damaged: the codec does not open it' }])
  })
})

describe('what may still be woken is not', () => {
  test('by an event, a wildcard, an event behind a guard that is false now, an event for a child in process', async () => {
    const inner = setup({}).createMachine({ initial: 'a', states: { a: { on: { NEXT: 'b' } }, b: {} } })
    const stuck = await reasons({
      event: setup({}).createMachine({ on: { PAY: { actions: () => undefined } } }),
      wildcard: setup({}).createMachine({ initial: 'a', states: { a: { on: { 'pay.*': 'b' } }, b: {} } }),
      guarded: setup({}).createMachine({ initial: 'a', states: { a: { on: { PAY: { guard: () => false, target: 'b' } } }, b: {} } }),
      holder: setup({ actors: { inner } }).createMachine({ invoke: { src: 'inner', id: 'inner' } }),
      sum: fromTransition((state: number) => state, 0),
    })
    expect(stuck).toEqual({})
  })

  test('by a timer, a task that runs, a retry, code beside it, a durable child that lives', async () => {
    const stuck = await reasons({
      timer: setup({}).createMachine({ initial: 'a', states: { a: { after: { 60_000: 'b' } }, b: {} } }),
      working: setup({ actors: { work: task({ run: () => new Promise(() => undefined) }) } }).createMachine({ invoke: { src: 'work', id: 'work' } }),
      retrying: setup({ actors: { work: task({ run: () => Promise.reject(new Error('not yet')) }) } }).createMachine({ invoke: { src: 'work', id: 'work', onError: {} } }),
      listening: setup({ actors: { code: fromCallback(() => undefined) } }).createMachine({ invoke: { src: 'code', id: 'code' } }),
      inline: createMachine({ invoke: { src: fromCallback(() => undefined), id: 'code' } }),
      parent,
      worker,
    })
    expect(stuck).toEqual({})
  })

  test('by whoever resumes it', async () => {
    await using world = await createTestWorld({ machines: { dead: setup({}).createMachine({ initial: 'end', states: { end: {} } }) } })
    await world.runtime.actor('dead', '1').start()
    await world.runtime.actor('dead', '1').pause()
    expect((await world.runtime.stuck()).actors).toEqual([])
    await world.runtime.actor('dead', '1').resume()
    expect((await world.runtime.stuck()).actors).toHaveLength(1)
  })
})

test('pages hold all that is stuck and say how many were judged; none of them is a step', async () => {
  const dead = setup({ types: { context: {} as { readonly n: number } } }).createMachine({ context: { n: 0 }, entry: assign({ n: 1 }), initial: 'end', states: { end: {} } })
  await using world = await createTestWorld({ machines: { dead, worker } })
  const { runtime } = world
  for (let n = 0; n < 25; n++) await runtime.at(`${n % 5 === 0 ? 'dead' : 'worker'}/${n}`).start()
  const pages = []
  for (let cursor: string | undefined; pages.length === 0 || cursor !== undefined; ) {
    const page = await runtime.stuck({ limit: 10, ...(cursor !== undefined && { cursor }) })
    pages.push(page)
    ;({ cursor } = page)
  }
  expect(pages.map(({ judged }) => judged)).toEqual([10, 10, 5])
  expect(pages.flatMap(({ actors }) => actors.map(({ address }) => address)).toSorted()).toEqual(['dead/0', 'dead/10', 'dead/15', 'dead/20', 'dead/5'])
  expect((await runtime.actor('dead', '0').snapshot()).seq).toBe(1)
  await expect(runtime.stuck({ limit: 0 })).rejects.toMatchObject({ code: 'config/invalid' })
})

test('what cannot be judged here is not: another machine, or a version that has to be migrated first', async () => {
  const dead = setup({}).createMachine({ initial: 'end', states: { end: {} } })
  const machines: Parameters<typeof createTestWorld>[0]['machines'] = { dead, other: dead }
  await using world = await createTestWorld({ machines })
  await world.runtime.at('dead/1').start()
  await world.runtime.at('other/1').start()
  expect(await world.runtime.stuck()).toMatchObject({ actors: [{}, {}], judged: 2 })
  const runtime = await world.restart({ machines: { dead: { machine: dead, version: '2', migrate: snapshot => snapshot } } })
  expect(await runtime.stuck()).toEqual({ actors: [], judged: 0, cursor: undefined })
})
