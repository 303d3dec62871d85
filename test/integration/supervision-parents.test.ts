import { afterEach, describe, expect, test } from 'vitest'
import { remote, task } from 'troupe'
import type { Supervision } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { sendTo, setup } from 'xstate'

/** How a child may fail, and what becomes of its parent: that is over, has moved on, or its child lives on and may still be heard of. */
let throwsAtBirth = false
afterEach(() => {
  throwsAtBirth = false
})

type Way = 'event' | 'timer' | 'task' | 'birth'
const throws = (): never => { throw new Error('slipped') }

const child = setup({
  types: { events: {} as { type: Way } },
  actors: { broken: task({ retry: 1, run: () => Promise.reject(new Error('tool broke')) }) },
  actions: { throws },
}).createMachine({
  context: () => (throwsAtBirth ? throws() : {}),
  initial: 'idle',
  states: {
    idle: { on: { event: { actions: 'throws' }, timer: 'waiting', task: 'working' } },
    waiting: { after: { 100: { actions: 'throws' } } },
    working: { invoke: { src: 'broken', id: 'broken' } },
  },
})

const parentOf = (spread: boolean) => setup({
  types: { events: {} as { type: Way } },
  actors: { child: remote<typeof child>('child', { spread }) },
  actions: { pass: sendTo('child', ({ event }) => event) },
})
const pass = { event: { actions: 'pass' }, timer: { actions: 'pass' }, task: { actions: 'pass' } } as const
/** One says nothing about errors, one does. */
const silentOf = (spread: boolean) => parentOf(spread).createMachine({ initial: 'waiting', states: { waiting: { invoke: { id: 'child', src: 'child', onDone: 'over' } }, over: {} }, on: pass })
const carefulOf = (spread: boolean) => parentOf(spread).createMachine({ initial: 'waiting', states: { waiting: { invoke: { id: 'child', src: 'child', onDone: 'over', onError: 'mending' }, on: pass }, over: {}, mending: {} } })

const strategies = [undefined, 'resume', 'restart', 'stop', 'escalate'] as const
const ways = ['event', 'timer', 'task', 'birth'] as const
const cases = strategies.flatMap(strategy => ways.flatMap(way => [false, true].map(spread => ({ strategy, way, spread }))))

const superviseBy = (strategy: Supervision['strategy']): Supervision => ({ ...(strategy && { strategy }), restartsMax: 2, backoff: { baseMs: 50, jitter: 0 } })

async function fail({ strategy, way, spread }: (typeof cases)[number], parentSupervision: Supervision = {}) {
  const machines = { child: { machine: child, supervision: superviseBy(strategy) }, silent: { machine: silentOf(spread), supervision: parentSupervision }, careful: carefulOf(spread) }
  const world = await createTestWorld({ machines, store: createMemoryStore({ partitions: 4 }) })
  throwsAtBirth = way === 'birth'
  const parents = { silent: world.runtime.actor('silent', '1'), careful: world.runtime.actor('careful', '1') }
  for (const parent of Object.values(parents)) {
    await parent.start()
    for (let times = 0; way !== 'birth' && times < 3; times++) {
      // Its child may have failed by now, and it with its child.
      await parent.send({ type: way }).catch(() => undefined)
      await world.advance(1_000)
    }
  }
  await world.settle()
  const children = new Map((await world.runtime.actors({ machine: 'child' })).actors.map(({ run, status }) => [run.slice(0, run.indexOf('/')), status]))
  const [silent, careful] = [await parents.silent.snapshot(), await parents.careful.snapshot()]
  return { world, silent, careful, children, stuck: (await world.runtime.stuck()).actors.map(({ address }) => address) }
}

describe.each(cases)('a child under $strategy that throws by $way (spread: $spread)', one => {
  test('leaves no parent to wait for it', async () => {
    const { world, silent, careful, children } = await fail(one)
    await using _ = world
    const skips = one.strategy === 'resume' && (one.way === 'event' || one.way === 'timer')
    if (skips) {
      expect([children.get('silent'), silent.status, children.get('careful'), careful.value]).toEqual(['active', 'active', 'active', 'waiting'])
      return
    }
    expect([children.get('careful'), careful.status, careful.value]).toEqual([one.way === 'birth' ? undefined : one.strategy === 'stop' ? 'stopped' : 'failed', 'active', 'mending'])
    // A child that is stopped is one that its parent may do without, if it says nothing about errors.
    if (one.strategy === 'stop' && one.way !== 'birth') expect([children.get('silent'), silent.status]).toEqual(['stopped', 'active'])
    else expect(silent).toMatchObject({ status: 'failed', failure: { code: 'event/poisoned', message: expect.stringContaining('child') } })
  })
})

test('a parent that could only have gone on by a child that was stopped is named as stuck, with the child', async () => {
  const waiter = parentOf(false).createMachine({ initial: 'waiting', states: { waiting: { entry: sendTo('child', { type: 'event' }), invoke: { id: 'child', src: 'child', onDone: 'over' } }, over: { type: 'final' } } })
  await using world = await createTestWorld({ machines: { child: { machine: child, supervision: { strategy: 'stop' } }, waiter } })
  await world.runtime.actor(waiter, '1').start()
  await world.settle()
  expect((await world.runtime.stuck()).actors).toMatchObject([{ address: 'waiter/1', reason: expect.stringMatching(/its child child \(.*\) is over \(stopped\)/) }])
})

test.each(strategies)('a parent under %s whose child fails is no one to wait for either', async strategy => {
  const { world, silent } = await fail({ strategy: 'escalate', way: 'event', spread: true }, superviseBy(strategy))
  await using _ = world
  const status = strategy === 'stop' ? 'stopped' : 'failed'
  expect(silent.status).toBe(status)
  expect((await world.runtime.actors({ run: 'silent/1', status: 'active' })).actors).toEqual([])
})

test('children in process are of their parent\'s own life: one that throws takes it along, unless the parent handles the error', async () => {
  const inner = setup({ types: { events: {} as { type: 'BREAK' } }, actions: { throws } }).createMachine({ on: { BREAK: { actions: 'throws' } } })
  const outer = setup({ types: { events: {} as { type: 'BREAK' } }, actors: { inner }, actions: { pass: sendTo('inner', ({ event }) => event) } })
  const on = { BREAK: { actions: 'pass' } } as const
  const careful = outer.createMachine({ on, initial: 'on', states: { on: { invoke: { id: 'inner', src: 'inner', onError: 'off' } }, off: {} } })
  const careless = outer.createMachine({ on, initial: 'on', states: { on: { invoke: { id: 'inner', src: 'inner' } } } })
  await using world = await createTestWorld({ machines: { careful, careless: { machine: careless, supervision: { strategy: 'restart', restartsMax: 1 } } } })
  for (const machine of ['careful', 'careless'] as const) {
    await world.runtime.actor(machine, '1').start()
    await world.runtime.actor(machine, '1').send({ type: 'BREAK' })
  }
  expect(await world.runtime.actor(careful, '1').snapshot()).toMatchObject({ status: 'active', value: 'off' })
  expect((await world.runtime.actor('careless', '1').history()).map(({ kind }) => kind)).toEqual(['start', 'restart'])
})
