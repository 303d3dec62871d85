/** Holds docs/task-protocol.md to the code: what it says of keys, scripts, orders, reports and channels is tried on a real Redis. */
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRuntime, task } from 'troupe'
import { assign, setup } from 'xstate'
import type { TaskOrder } from '../../src/core/queue.ts'
import { queueKeys } from '../../src/stores/redis/keys.ts'
import { waitUntil } from '../support/processes.ts'
import { openClient } from '../support/redis/open-client.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'

// A task that nobody ends would hold a test for minutes.
vi.setConfig({ testTimeout: 30_000 })

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/task-protocol.md')
const section = (title: string): string => page.split(/^## /m).find(text => text.startsWith(`${title}\n`)) ?? ''
/** Cells of the tables of a section, without their heads. */
const rows = (title: string): readonly (readonly string[])[] =>
  section(title).split('\n').filter(line => line.startsWith('| `')).map(line => line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim()))
const names = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
const examples = (kind: string): readonly string[] => [...page.matchAll(new RegExp(`\`\`\`json ${kind}\\n(.*)\\n\`\`\``, 'g'))].map(([, text = '']) => text)

const station = setup({
  types: { input: {} as readonly number[], context: {} as { readonly readings: readonly number[]; readonly heard: unknown }, events: {} as { readonly type: 'STOP' } },
  actors: { trend: task<unknown, readonly number[]>({ queue: 'python', run: () => 'not in Python', retry: { attempts: 3, baseMs: 1 }, timeout: 30_000, heartbeatTimeout: 5_000 }) },
}).createMachine({
  context: ({ input }) => ({ readings: input, heard: null }),
  initial: 'open',
  on: { STOP: '.over' },
  states: {
    open: {
      invoke: {
        src: 'trend',
        input: ({ context }) => context.readings,
        onDone: { target: 'over', actions: assign({ heard: ({ event }) => event.output }) },
        onError: { target: 'over', actions: assign({ heard: ({ event }) => event.error }) },
      },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.heard,
})

let redis: RedisServer
let client: Redis
const open = () => createRuntime({ machines: { station }, store: redis.url, onError: error => reported.push(String(error)) })
const reported: string[] = []
let runtime: Awaited<ReturnType<typeof open>>
const actor = () => runtime.actor(station, 'roof')

beforeEach(async () => {
  redis = await startRedis()
  client = openClient(redis.url)
  runtime = await open()
  await actor().start([18.2, 19.1])
  await waitUntil('its task waits', async () => (await client.xlen('{troupe:q:python}:pending:medium')) === 1)
})
afterEach(async () => {
  await runtime.close()
  client.disconnect()
  await redis.stop()
})

const protocol = () => client.hgetall('{troupe:q:python}:protocol')

/** Calls a script as the page tells. */
async function call(script: string, ...args: readonly (string | number)[]): Promise<unknown> {
  const { keys = '[]', [script]: text = '' } = await protocol()
  const names = JSON.parse(keys) as readonly string[]
  return client.call('EVAL', text, names.length, ...names, ...args)
}

type Taken = readonly [entry: string, delivery: number, id: string, data: string, details: string]

/** Takes the attempt that waits, or will in a moment. */
async function take(worker = 'one'): Promise<Taken> {
  let taken: unknown = []
  await waitUntil('there is something to take', async () => {
    taken = await call('take', worker, 1)
    return (taken as readonly unknown[]).length > 0
  })
  return taken as Taken
}

async function finish([entry, delivery, id]: Taken, log: string, report: string): Promise<unknown> {
  const [counts] = (await call('finish', 'one', entry, delivery, id, log, report)) as readonly number[]
  return counts
}

test('keys: all of them, in their order', async () => {
  const documented = rows('Keys').map(([key]) => `{troupe:q:python}:${names(key)[0]}`)
  expect(documented).toEqual(queueKeys('troupe', 'python'))
  expect(JSON.parse((await protocol())['keys'] ?? '')).toEqual(documented)
})

test('keys: of the type that the page says, once there is something', async () => {
  await call('configure', 'total', 100)
  await call('retire', 'nobody')
  const [entry, delivery, id] = await take()
  await call('extend', 'one', entry, delivery, id, '{"done":2}')
  for (const [key, type] of rows('Keys')) {
    const found = await client.type(`{troupe:q:python}:${names(key)[0]}`)
    expect([type, 'none'], key).toContain(found)
  }
  const groups = async (stream: string) => ((await client.call('XINFO', 'GROUPS', `{troupe:q:python}:${stream}`)) as readonly (readonly string[])[]).map(group => group[1])
  expect(await groups('active')).toEqual(['workers'])
  for (const log of ['completed', 'failed', 'dead_letter']) expect(await groups(log)).toEqual(['monitoring'])
})

test('scripts: those that are published, with the arguments and answers of their heads', async () => {
  const documented = rows('Scripts').map(([script]) => names(script)[0] ?? '')
  expect(Object.keys(await protocol()).toSorted()).toEqual(['version', 'keys', ...documented].toSorted())
  expect(rows('Begin').flatMap(([field]) => names(field)).toSorted()).toEqual(['version', 'keys', ...documented].toSorted())
  for (const [script, args, answer] of rows('Scripts')) {
    const lua = read(`src/stores/redis/lua/queue/${names(script)[0]}.lua`)
    expect(args?.replaceAll('\\|', '|'), script).toBe(/^-- ARGV {2}(.*)$/m.exec(lua)?.[1])
    const gives = /^-- ARGV.*\n-- Gives (?:the )?(.*?)\.?$/m.exec(lua)?.[1]
    if (gives !== undefined) expect(answer?.replace(/^the /, ''), script).toBe(gives)
  }
  expect((await protocol())['version']).toBe(/^# Task protocol, version (\d+)$/m.exec(page)?.[1])
})

test('order: the example is what the node has written, and the table has all its fields', async () => {
  const [, delivery, id, data, details] = await take()
  expect([delivery, id, details]).toEqual([1, 'default/station/roof:1:1', ''])
  expect(JSON.parse(data)).toEqual(JSON.parse(examples('order')[0] ?? ''))
  const table = new Map(rows('Order').map(([field, type = '']) => [names(field)[0] ?? '', type]))
  const all: Required<TaskOrder> = { ...(JSON.parse(data) as Required<TaskOrder>), checkpoint: '' }
  expect([...table.keys()].toSorted()).toEqual(Object.keys(all).toSorted())
  for (const [field, value] of Object.entries(all)) expect(table.get(field), field).toMatch(typeof value === 'number' ? /^number/ : /^(?:string|text)/)
})

test('report: an output reaches the machine', async () => {
  const taken = await take()
  expect(await finish(taken, 'completed', examples('report')[0] ?? '')).toBe(1)
  expect(await actor().result()).toEqual({ perHour: 0.9, next: 20 })
  expect(await finish(taken, 'completed', examples('report')[0] ?? '')).toBe(0)
})

test('report: an error is tried again with its checkpoint, as often as the task says and no more, then reaches the machine', async () => {
  for (const [attempt, checkpoint] of [[1, undefined], [2, '{"done":2}'], [3, '{"done":2}']] as const) {
    const taken = await take()
    expect(JSON.parse(taken[3])).toMatchObject({ attempt, failures: attempt - 1, ...(checkpoint !== undefined && { checkpoint }) })
    expect(await finish(taken, 'failed', examples('report')[1] ?? '')).toBe(1)
  }
  expect(await actor().result()).toMatchObject({ name: 'ValueError', message: 'too few', stack: 'Traceback …' })
})

test('report: what is not retryable is not tried again', async () => {
  const report = { ...(JSON.parse(examples('report')[1] ?? '') as object), retryable: false }
  await finish(await take(), 'failed', JSON.stringify(report))
  expect(await actor().result()).toMatchObject({ name: 'ValueError' })
})

test('report: what cannot be read counts as an attempt that failed', async () => {
  for (let attempt = 1; attempt <= 3; attempt++) await finish(await take(), 'completed', '{"ok":true,"output":nothing')
  expect(await actor().result()).toMatchObject({ code: 'task/report' })
})

test('report: that of the queue itself, after so many silent workers; each delivery is given what the last one has left', async () => {
  const crashes = (JSON.parse(examples('report')[2] ?? '') as { readonly crashes: number }).crashes
  await call('configure', 'minIdleMs', 20, 'deliveriesMax', crashes)
  for (let time = 1; time <= crashes; time++) {
    const [entry, delivery, id, , details] = await take(`worker ${time}`)
    expect([delivery, details]).toEqual([time, time === 1 ? '' : `{"done":${time - 1}}`])
    expect(await call('extend', `worker ${time}`, entry, delivery, id, `{"done":${time}}`)).toEqual([])
    expect(await call('extend', 'somebody else', entry, delivery, id, '')).toEqual([id])
  }
  await runtime.close()
  await waitUntil('it is given up', async () => {
    await call('take', 'one', 1)
    return (await client.xlen('{troupe:q:python}:dead_letter')) === 1
  })
  const [, report = ''] = /^d\|\d+\|(.*)$/.exec((await client.hget('{troupe:q:python}:index', 'default/station/roof:1:1')) ?? '') ?? []
  expect(JSON.parse(report)).toEqual(JSON.parse(examples('report')[2] ?? ''))
  runtime = await open()
  expect(await actor().result()).toMatchObject({ code: 'task/crashed' })
})

test('report: the table has the fields of all examples', () => {
  const fields = new Set(examples('report').slice(0, 2).flatMap(text => Object.keys(JSON.parse(text) as object)))
  expect(rows('Report').map(([field]) => names(field)[0])).toEqual([...fields])
})

test('return: at once for others, as not delivered', async () => {
  const [entry, delivery, id] = await take('one')
  expect(await call('return', 'one', entry, delivery, id, 'troupe:q:python')).toBe(1)
  await call('retire', 'one')
  expect(await client.zcard('{troupe:q:python}:workers')).toBe(0)
  const [, again, same] = (await call('take', 'two', 1)) as Taken
  expect([again, same]).toEqual([1, id])
})

test('channels: each message of the table is said, and no other', async () => {
  const heard: string[] = []
  const listener = openClient(redis.url)
  await using _ = { [Symbol.asyncDispose]: async () => listener.disconnect() }
  listener.on('message', (channel: string, text: string) => heard.push(`${channel} ${text}`))
  const said = (text: string) => waitUntil(`somebody says ${text}`, () => heard.includes(text))

  const [entry, delivery, id] = await take()
  const channel = ((await client.hget('{troupe:q:python}:index', id)) ?? '').split('|')[5] ?? ''
  const node = channel.replace('troupe:n:', '')
  await listener.subscribe('troupe:q:python', channel)
  await call('return', 'one', entry, delivery, id, 'troupe:q:python')
  await said('troupe:q:python waiting')
  const again = await take()
  await client.publish(channel, 'progress nothing')
  const notice = JSON.stringify({ actor: 'default/station/roof', task: '1', attempt: 1, progress: JSON.stringify({ done: 2 }) })
  const seen = (async () => {
    for await (const step of actor().watch({ progress: true })) if ('progress' in step) return step.progress
    return undefined
  })()
  await waitUntil('the watcher sees it', async () => {
    await client.publish(channel, `progress ${notice}`)
    return Promise.race([seen.then(() => true), new Promise<boolean>(resolve => setTimeout(() => resolve(false), 20))])
  })
  expect(await seen).toEqual({ done: 2 })
  expect(reported).toEqual([expect.stringContaining('progress cannot be read')])
  await actor().send({ type: 'STOP' })
  await said(`troupe:q:python cancelled ${id}`)
  expect(await finish(again, 'completed', examples('report')[0] ?? '')).toBe(0)
  await runtime.actor(station, 'cellar').start([1])
  await finish(await take(), 'completed', examples('report')[0] ?? '')
  await waitUntil('the node hears of the report', () => heard.some(text => text.startsWith(`${channel} results python `)))

  const patterns = rows('Channels').map(([on, message]) => new RegExp(`^${`${names(on)[0]} ${names(message)[0]}`.replace('<node>', node).replaceAll(/<\w+>/g, '.+')}$`))
  const strangers = heard.filter(text => !patterns.some(pattern => pattern.test(text)) && !text.startsWith(`${channel} inbox `) && text !== `${channel} progress nothing` && text !== `${channel} replies`)
  expect(strangers).toEqual([])
  for (const pattern of patterns) expect(heard.some(text => pattern.test(text)), String(pattern)).toBe(true)
})
