/** What clients are shown of actors beyond the plain ones: logic without states, failures, retries, what is sent elsewhere, the past. */
import { fromTransition, sendTo, setup } from 'xstate'
import { expect, test } from 'vitest'
import { actorAt, createRuntime, task } from '../../src/index.ts'
import type { Client } from '../../src/index.ts'

const sum = fromTransition((total: number, event: { readonly type: string; readonly by?: number }) => total + (event.by ?? 0), 0)

const job = setup({
  types: { events: {} as { readonly type: 'GO' | 'TELL' | 'LATER' | 'BREAK' | 'STAY' } },
  actors: {
    flaky: task({ retry: { attempts: 3, baseMs: 1, jitter: 0 }, run: ({ attempt }) => { if (attempt < 2) throw new Error('not yet') } }),
    hopeless: task({ retry: 1, run: () => { throw new Error('never') } }),
  },
  actions: {
    tell: sendTo(actorAt('sum/all'), { type: 'ADD', by: 1 }),
    later: sendTo(actorAt('sum/all'), { type: 'ADD', by: 1 }, { id: 'later', delay: 60_000 }),
    fail: () => { throw new Error('broken on purpose') },
  },
}).createMachine({
  initial: 'idle',
  on: { TELL: { actions: 'tell' }, LATER: { actions: 'later' }, BREAK: { actions: 'fail' } },
  states: {
    idle: { on: { GO: 'trying' } },
    trying: { invoke: { src: 'flaky', onDone: 'losing' } },
    losing: { invoke: { src: 'hopeless', onError: 'over' } },
    over: { on: { STAY: {} } },
  },
})

const lost = setup({ actors: { hopeless: task({ retry: 1, run: () => { throw new Error('never') } }) } }).createMachine({ initial: 'trying', states: { trying: { invoke: { src: 'hopeless' } } } })

const frail = setup({ actions: { fail: () => { throw new Error('broken on purpose') } } }).createMachine({
  initial: 'one',
  on: { BREAK: { actions: 'fail' } },
  states: { one: { on: { FLIP: 'two' } }, two: { on: { FLIP: 'one' } } },
})

async function withRuntime(work: (client: Client, runtime: Awaited<ReturnType<typeof createRuntime>>) => Promise<void>): Promise<void> {
  await using runtime = await createRuntime({ machines: { job: { machine: job, supervision: { strategy: 'escalate' } }, sum, lost, frail }, store: 'memory:' })
  await work(runtime.client(), runtime as never)
}

async function settled(client: Client, address: string): Promise<void> {
  await expect.poll(async () => (await client.snapshot({ address })).states, { timeout: 5_000 }).toEqual(['over'])
}

test('logic without states is shown with its context, takes any event, and has a fleet', () => withRuntime(async client => {
  await client.startActor({ machine: 'sum', key: 'all' })
  await client.askActor({ address: 'sum/all', event: { type: 'ADD', by: 2 } })
  expect(await client.snapshot({ address: 'sum/all' })).toMatchObject({ context: 2, value: null, states: [], status: 'active' })
  expect((await client.listEvents({ address: 'sum/all' })).events).toEqual([])
  expect(await client.fleet({ name: 'sum' })).toMatchObject({ instances: 1, states: [], edges: [] })
  expect((await client.machine({ name: 'sum' })).chart).toBeNull()
}))

test('a timeline tells tasks that were tried again from those that failed', () => withRuntime(async client => {
  await client.startActor({ machine: 'job', key: '1' })
  await client.sendEvent({ address: 'job/1', event: { type: 'GO' } })
  await settled(client, 'job/1')
  const { spans } = await client.timeline({ address: 'job/1' })
  expect(spans.filter(({ kind }) => kind === 'task').map(({ name, outcome, attempts }) => ({ name, outcome, attempts }))).toEqual([{ name: 'flaky', outcome: 'done', attempts: 2 }, { name: 'hopeless', outcome: 'failed', attempts: 1 }])
  expect((await client.fleet({ name: 'job' })).states.find(({ path }) => path === 'losing')).toMatchObject({ visits: 1, instances: 0 })
}))

test('what is sent to others is shown with its address, at once and later', () => withRuntime(async client => {
  await client.startActor({ machine: 'sum', key: 'all' })
  await client.startActor({ machine: 'job', key: '1' })
  await client.askActor({ address: 'job/1', event: { type: 'TELL' } })
  await client.askActor({ address: 'job/1', event: { type: 'LATER' } })
  const { steps } = await client.history({ address: 'job/1' })
  expect(steps.flatMap(({ sent }) => sent ?? [])).toEqual([{ to: 'sum/all', type: 'ADD' }])
  expect((await client.snapshot({ address: 'job/1' })).timers).toMatchObject([{ event: 'ADD', target: 'sum/all' }])
}))

test('events are judged as they were after a past step, and by the reason of a failed actor', () => withRuntime(async client => {
  await client.startActor({ machine: 'job', key: '1' })
  await client.sendEvent({ address: 'job/1', event: { type: 'GO' } })
  await settled(client, 'job/1')
  const legal = async (at?: number): Promise<readonly string[]> => (await client.listEvents({ address: 'job/1', ...(at !== undefined && { at }) })).events.filter(event => event.legal).map(({ type }) => type).toSorted()
  expect(await legal(1)).toContain('GO')
  expect(await legal()).not.toContain('GO')
  expect((await client.listEvents({ address: 'job/1' })).events.find(({ type }) => type === 'STAY')).toMatchObject({ legal: false })
  await client.sendEvent({ address: 'job/1', event: { type: 'BREAK' } })
  await expect.poll(async () => (await client.snapshot({ address: 'job/1' })).status).toBe('failed')
  expect((await client.snapshot({ address: 'job/1' })).failure).toMatchObject({ message: expect.stringContaining('broken on purpose') as string })
  expect((await client.listEvents({ address: 'job/1' })).events.every(({ legal: is, reason }) => !is && reason === 'the actor is failed')).toBe(true)
  expect((await client.timeline({ address: 'job/1' })).spans.some(({ kind, outcome }) => kind === 'state' && outcome === 'failed')).toBe(true)
}))

test('a task that failed for good is a letter with what came of it', () => withRuntime(async client => {
  await client.startActor({ machine: 'lost', key: '1' })
  await expect.poll(async () => (await client.listDeadLetters({ address: 'lost/1' })).letters).toMatchObject([{ kind: 'task', task: '1', event: { ok: false } }])
  const [letter] = (await client.listDeadLetters({ address: 'lost/1' })).letters
  await expect(client.replayDeadLetter({ id: letter?.id ?? '', event: { type: 'GO' } })).rejects.toMatchObject({ code: expect.stringMatching(/./) as string })
  expect(await client.deadLetter({ id: letter?.id ?? '' })).toMatchObject({ state: 'present' })
}))

test('an order of lists that there is not is refused with those that there are', () => withRuntime(async (_client, runtime) => {
  await expect(runtime.actors({ order: 'sideways' as never })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('oldest') as string })
}))

test('letters come in pages that an answer can hold', () => withRuntime(async client => {
  await client.startActor({ machine: 'frail', key: '1' })
  for (let n = 0; n < 10; n++) await client.sendEvent({ address: 'frail/1', event: { type: 'BREAK', note: 'x'.repeat(1_000_000) } })
  await expect.poll(async () => (await client.health({})).counters['deadLetters']).toBe(10)
  const found: string[] = []
  let pages = 0
  for (let cursor: string | undefined, isLast = false; !isLast; pages++) {
    const page = await client.listDeadLetters({ ...(cursor !== undefined && { cursor }) })
    found.push(...page.letters.map(({ id }) => id))
    cursor = page.cursor
    isLast = cursor === undefined
  }
  expect(new Set(found).size).toBe(10)
  expect(pages).toBeGreaterThan(1)
}))

test('a fleet is made of the first steps of long histories', () => withRuntime(async client => {
  await client.startActor({ machine: 'frail', key: '1' })
  await Promise.all(Array.from({ length: 400 }, () => client.sendEvent({ address: 'frail/1', event: { type: 'FLIP' } })))
  const { states, edges } = await client.fleet({ name: 'frail' })
  expect(states.map(({ path }) => path).toSorted()).toEqual(['one', 'two'])
  expect(edges.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(400)
}))

test('followers are told of more actors at once than one reading holds', () => withRuntime(async client => {
  const told = new Set<string>()
  const following = (async () => {
    for await (const item of client.follow({ machine: 'frail' })) if (item.type === 'step' && told.add(item.step.address).size === 350) return
  })()
  await Promise.all(Array.from({ length: 350 }, (_, n) => client.startActor({ machine: 'frail', key: `k${n}` })))
  await following
  expect(told.size).toBe(350)
}))

test('a caller without a name is refused as such, and a call that nobody waits for any more ends at once', () => withRuntime(async (_client, runtime) => {
  await runtime.client().startActor({ machine: 'sum', key: 'all' })
  const viewer = runtime.client({ name: null, role: 'viewer' })
  await expect(viewer.startActor({ machine: 'job', key: '1' })).rejects.toMatchObject({ code: 'access/denied', message: expect.stringContaining('the caller is viewer') as string })
  await expect(viewer.health(null as never)).rejects.toMatchObject({ code: 'request/invalid' })
  await expect(viewer.result({ address: 'sum/all' }, { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left')
}))

test('what is no request at all is told to the audit without a target', async () => {
  const told: unknown[] = []
  await using runtime = await createRuntime({ machines: { sum }, store: 'memory:', onAudit: entry => told.push(entry.target) })
  await expect(runtime.client().startActor(7 as never)).rejects.toMatchObject({ code: 'request/invalid' })
  expect(told).toEqual([null])
  await expect(runtime.client().startActor({ machine: 'sum', key: '1' }, { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left')
  expect(told).toEqual([null, null])
})
