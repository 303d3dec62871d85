import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRuntime, reply, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createWorker } from 'troupe/worker'
import { assign, setup } from 'xstate'
import { waitUntil } from '../support/processes.ts'
import { startPythonWorker } from '../support/python-worker.ts'
import { machines } from '../support/queue-machines.ts'
import type { Order } from '../support/queue-machines.ts'
import { openClient } from '../support/redis/open-client.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { deployedUsers as users, readDeployed, startDeployed, turnOn, urlAs } from '../support/redis/start-deployed.ts'
import type { DeployedUser } from '../support/redis/start-deployed.ts'

type Command = readonly [string, ...(string | number)[]]

let shipped: string
let redis: RedisServer
const clients = new Map<DeployedUser, Redis>()
const as = (user: DeployedUser): Redis => {
  const known = clients.get(user)
  if (known) return known
  const client = openClient(urlAs(user, redis))
  clients.set(user, client)
  return client
}
const run = (user: DeployedUser, [name, ...args]: Command): Promise<unknown> => as(user).call(name, ...args)

beforeAll(async () => {
  shipped = await readDeployed('users.acl')
  redis = await startDeployed(turnOn(shipped))
  await run('troupe-worker', ['XGROUP', 'CREATE', '{troupe:p1}:inbox', 'workers', '0', 'MKSTREAM'])
})
afterAll(async () => {
  for (const client of clients.values()) client.disconnect()
  await redis.stop()
})

/** What the server answers to a login. */
async function logIn(url: string): Promise<string> {
  const client = openClient(url)
  try {
    return await client.ping()
  } catch (error) {
    return String(error)
  } finally {
    client.disconnect()
  }
}

describe('the shipped users', () => {
  test('are all off, so that nobody gets in before they are turned on', async () => {
    await using closed = await startDeployed(shipped)
    for (const user of users) expect(await logIn(urlAs(user, closed))).toContain('WRONGPASS')
    expect(await logIn(closed.url)).toContain('NOAUTH')
  })

  test('let nobody in with another password, or with none', async () => {
    for (const user of users) {
      expect(await logIn(urlAs(user, redis))).toBe('PONG')
      expect(await logIn(`redis://${user}:wrong@127.0.0.1:${redis.port}`)).toContain('WRONGPASS')
    }
    expect(await logIn(redis.url)).toContain('NOAUTH')
  })
})

const may: Readonly<Record<(typeof users)[number], readonly Command[]>> = {
  'troupe-worker': [
    ['SET', '{troupe:p0}:text', 'x'],
    ['HSET', '{troupe:p0}:actors', 'id', '1'],
    ['ZADD', '{troupe:p0}:due', 1, 'id'],
    ['RPUSH', '{troupe:p0}:list', 'x'],
    ['SADD', '{troupe:p0}:set', 'x'],
    ['XADD', '{troupe:p0}:inbox', '1-0', 'd', 'x'],
    ['XGROUP', 'CREATE', '{troupe:p0}:inbox', 'workers', '0'],
    ['XREADGROUP', 'GROUP', 'workers', 'one', 'COUNT', 1, 'STREAMS', '{troupe:p0}:inbox', '>'],
    ['XPENDING', '{troupe:p0}:inbox', 'workers'],
    ['XAUTOCLAIM', '{troupe:p0}:inbox', 'workers', 'two', 0, '0'],
    ['XINFO', 'GROUPS', '{troupe:p0}:inbox'],
    ['XACK', '{troupe:p0}:inbox', 'workers', '1-0'],
    ['XTRIM', '{troupe:p0}:inbox', 'MINID', '2-0'],
    ['EVAL', "redis.call('PUBLISH', 'troupe:n:1', 'inbox') return {redis.call('TIME'), redis.call('HGETALL', KEYS[1])}", 1, '{troupe:p0}:actors'],
    ['SCRIPT', 'LOAD', 'return 1'],
    ['EVALSHA', createHash('sha1').update('return 1').digest('hex'), 0],
    ['PEXPIRE', '{troupe:p0}:set', 1_000],
    ['UNLINK', '{troupe:p0}:list'],
    ['WAIT', 0, 1],
    ['INFO', 'replication'],
    ['ROLE'],
    ['CONFIG', 'GET', 'appendfsync'],
    ['CLIENT', 'SETNAME', 'node-1'],
    ['CLIENT', 'ID'],
    ['PUBLISH', 'troupe:l', 'x'],
    ['EXISTS', '{troupe:p0}:text'],
    ['COMMAND', 'COUNT'],
    ['SELECT', 0],
    ['CLUSTER', 'SLOTS'],
    ['CLUSTER', 'SHARDS'],
    ['CLUSTER', 'INFO'],
    ['CLUSTER', 'MYID'],
    ['CLUSTER', 'NODES'],
    ['ASKING'],
  ],
  'troupe-tasks': [
    ['HGETALL', '{troupe:q:gpu}:protocol'],
    ['HGET', '{troupe:q:gpu}:settings', 'minIdleMs'],
    ['EVAL', "redis.call('HSET', KEYS[1], 'a', 1) redis.call('XADD', KEYS[2], '*', 'a', 1) return redis.call('TIME')", 2, '{troupe:q:gpu}:index', '{troupe:q:gpu}:active'],
    ['EVALSHA', createHash('sha1').update('return 1').digest('hex'), 0],
    ['PUBLISH', 'troupe:n:1', 'progress {}'],
    ['CLIENT', 'SETNAME', 'python'],
    ['SELECT', 0],
  ],
  'troupe-monitoring': [
    ['PING'],
    ['INFO'],
    ['CLIENT', 'SETNAME', 'exporter'],
    ['SLOWLOG', 'GET', 10],
    ['SLOWLOG', 'LEN'],
    ['LATENCY', 'LATEST'],
    ['LATENCY', 'HISTORY', 'command'],
    ['MEMORY', 'USAGE', '{troupe:p1}:inbox'],
    ['MEMORY', 'STATS'],
    ['XINFO', 'STREAM', '{troupe:p1}:inbox'],
    ['XINFO', 'GROUPS', '{troupe:p1}:inbox'],
    ['XINFO', 'CONSUMERS', '{troupe:p1}:inbox', 'workers'],
    ['XLEN', '{troupe:p1}:inbox'],
    ['XPENDING', '{troupe:p1}:inbox', 'workers'],
    ['ZCARD', '{troupe:p0}:due'],
    ['HLEN', '{troupe:p0}:actors'],
    ['SCAN', 0, 'MATCH', '{troupe:*'],
    ['TYPE', '{troupe:p0}:actors'],
  ],
  'troupe-admin': [
    ['HGETALL', '{troupe:p0}:actors'],
    ['DEL', '{troupe:p0}:text'],
    ['DUMP', '{troupe:p1}:inbox'],
    ['CONFIG', 'SET', 'slowlog-max-len', 512],
    ['ACL', 'LIST'],
    ['ACL', 'SAVE'],
    ['CLIENT', 'LIST'],
    ['CLIENT', 'PAUSE', 1, 'WRITE'],
    ['SLOWLOG', 'RESET'],
    ['LATENCY', 'RESET'],
    ['PUBLISH', 'troupe:l', 'x'],
    ['INFO'],
    ['ROLE'],
    ['SAVE'],
    ['BGSAVE', 'SCHEDULE'],
    ['BGREWRITEAOF'],
    ['LASTSAVE'],
    ['FAILOVER'],
    ['CLUSTER', 'FAILOVER'],
    ['MIGRATE', '127.0.0.1', 1, '{troupe:p1}:none', 0, 1],
    ['RESTORE', '{troupe:p1}:restored', 0, 'no dump'],
    ['SCRIPT', 'FLUSH'],
  ],
}

const mayNot: typeof may = {
  'troupe-worker': [
    ['GET', 'other:key'],
    ['SET', '{troupe2:p0}:text', 'x'],
    ['SORT', '{troupe:p0}:set', 'BY', 'other:*'],
    ['EVAL', "return redis.call('GET', 'other:key')", 0],
    ['EVAL', "return redis.call('FLUSHALL')", 0],
    ['EVAL', 'return 1', 1, 'other:key'],
    ['PUBLISH', 'other:channel', 'x'],
    ['SUBSCRIBE', 'other:channel'],
    ['PSUBSCRIBE', '*'],
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['KEYS', '*'],
    ['SCAN', 0],
    ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
    ['DEBUG', 'SLEEP', 0],
    ['SHUTDOWN'],
    ['MIGRATE', '127.0.0.1', 6379, '{troupe:p0}:text', 0, 1],
    ['SAVE'],
    ['ACL', 'LIST'],
    ['CLIENT', 'KILL', 'TYPE', 'normal'],
    ['CLUSTER', 'RESET'],
    ['SCRIPT', 'FLUSH'],
    ['RESTORE', '{troupe:p0}:x', 0, 'x'],
    ['REPLICAOF', 'NO', 'ONE'],
    ['MONITOR'],
  ],
  'troupe-tasks': [
    ['HGETALL', '{troupe:0}:actors'],
    ['HGETALL', '{troupe:config}'],
    ['HSET', '{troupe:0}:actors', 'id', '1'],
    ['XADD', '{troupe:0}:inbox', '*', 'd', 'x'],
    ['SET', '{troupe:q:gpu}:text', 'x'],
    ['EVAL', "return redis.call('HGETALL', '{troupe:0}:actors')", 0],
    ['EVAL', "return redis.call('PUBLISH', 'troupe:l', 'x')", 0],
    ['EVAL', 'return 1', 1, '{troupe:0}:actors'],
    ['PUBLISH', 'troupe:l', 'x'],
    ['PUBLISH', 'troupe:c:0', 'x'],
    ['SUBSCRIBE', 'troupe:l'],
    ['PSUBSCRIBE', 'troupe:*'],
    ['FLUSHALL'],
    ['KEYS', '*'],
    ['SCAN', 0],
    ['INFO'],
    ['CONFIG', 'GET', '*'],
    ['SCRIPT', 'FLUSH'],
    ['ACL', 'LIST'],
    ['CLIENT', 'LIST'],
    ['DEBUG', 'SLEEP', 0],
    ['SHUTDOWN'],
  ],
  'troupe-monitoring': [
    ['HGETALL', '{troupe:p0}:actors'],
    ['XRANGE', '{troupe:p0}:inbox', '-', '+'],
    ['GET', '{troupe:p0}:text'],
    ['SET', '{troupe:p0}:text', 'x'],
    ['DEL', '{troupe:p0}:text'],
    ['XLEN', 'other:stream'],
    ['MEMORY', 'USAGE', 'other:key'],
    ['EVAL', 'return 1', 0],
    ['SLOWLOG', 'RESET'],
    ['LATENCY', 'RESET'],
    ['MEMORY', 'PURGE'],
    ['CONFIG', 'GET', '*'],
    ['CLIENT', 'LIST'],
    ['SUBSCRIBE', 'troupe:l'],
    ['FLUSHALL'],
    ['DEBUG', 'SLEEP', 0],
  ],
  'troupe-admin': [
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['DEBUG', 'SLEEP', 0],
    ['SWAPDB', 0, 1],
    ['REPLICAOF', '127.0.0.1', 1],
    ['MODULE', 'LIST'],
    ['KEYS', '*'],
    ['SHUTDOWN', 'NOSAVE'],
    ['GET', 'other:key'],
    ['DEL', '{troupe2:p0}:text'],
    ['EVAL', "return redis.call('FLUSHALL')", 0],
    ['PUBLISH', 'other:channel', 'x'],
  ],
}

/** In a script Redis says it in other words, which differ from version to version. */
const REFUSED = /NOPERM|ACL failure in script|The user executing the script can't/
/** What would be an error here whoever asks: this server is no cluster and has no replicas, and the dump is none. */
const NOT_HERE = /cluster support disabled|requires connected replicas|DUMP payload/

for (const user of users) {
  const answerOf = (command: Command): Promise<unknown> => run(user, command).catch((error: unknown) => error)

  test(`${user} may do what it needs`, async () => {
    for (const command of may[user]) {
      const answer = await answerOf(command)
      if (!(answer instanceof Error && NOT_HERE.test(answer.message))) expect(answer, command.join(' ')).not.toBeInstanceOf(Error)
    }
  })

  test(`${user} may do nothing else`, async () => {
    for (const command of mayNot[user]) expect(String(await answerOf(command)), command.join(' ')).toMatch(REFUSED)
  })
}

test('a worker follows the channels of its own prefix, one by one and all', async () => {
  const worker = openClient(urlAs('troupe-worker', redis))
  const heard: string[] = []
  worker.on('message', (channel: string, text: string) => heard.push(`${channel} ${text}`))
  worker.on('pmessage', (pattern: string, channel: string, text: string) => heard.push(`${pattern} ${channel} ${text}`))
  await worker.subscribe('troupe:n:1')
  await worker.psubscribe('troupe:*')
  await run('troupe-worker', ['PUBLISH', 'troupe:n:1', 'inbox'])
  await waitUntil('both have heard', () => heard.length === 2)
  expect(heard.toSorted()).toEqual(['troupe:* troupe:n:1 inbox', 'troupe:n:1 inbox'])
  await worker.unsubscribe('troupe:n:1')
  await worker.punsubscribe('troupe:*')
  worker.disconnect()
})

const counter = setup({
  types: { context: {} as { readonly n: number }, events: {} as { readonly type: 'ADD' } | { readonly type: 'ASK' } | { readonly type: 'END' } },
  actions: { answer: reply(({ context }) => context.n) },
}).createMachine({
  context: { n: 0 },
  initial: 'open',
  on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) }, ASK: { actions: 'answer' }, END: '.over' },
  states: { open: { after: { 1: 'waited' } }, waited: {}, over: { type: 'final' } },
  output: ({ context }) => context.n,
})

test('nodes run as troupe-worker, and the server refuses them nothing', async () => {
  await run('troupe-admin', ['ACL', 'LOG', 'RESET'])
  const open = () => createRuntime({ machines: { counter }, store: `${urlAs('troupe-worker', redis)}?partitions=4` })
  const nodes = [await open(), await open()] as const
  const seen: number[] = []
  for (const [index, key] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    const handle = nodes[index % 2 === 0 ? 0 : 1].actor('counter', key)
    await handle.start()
    const watching = (async () => {
      for await (const { snapshot } of handle.watch({ from: 0 })) seen.push(snapshot.context.n)
    })()
    await handle.send({ type: 'ADD' })
    expect((await handle.ask({ type: 'ASK' }, { until: 'reply' })).reply).toBe(1)
    await handle.waitFor(({ value }) => value === 'waited')
    await handle.send({ type: 'END' })
    expect(await handle.result()).toBe(1)
    await watching
  }
  expect(seen).toContain(1)
  for (const node of nodes) await node.close()
  expect(await run('troupe-admin', ['ACL', 'LOG'])).toEqual([])
})

const echo = setup({
  types: { context: {} as { readonly said: string } },
  actors: { run: task({ queue: 'python', run: ({ input }: TaskScope<string>) => `${input}, but not in Python` }) },
}).createMachine({
  context: { said: '' },
  initial: 'open',
  states: {
    open: { invoke: { src: 'run', input: 'said by Python', onDone: { target: 'over', actions: assign({ said: ({ event }) => event.output }) } } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.said,
})

test('a Python worker runs as troupe-tasks beside a node that runs as troupe-worker, and the server refuses them nothing', async () => {
  await run('troupe-admin', ['ACL', 'LOG', 'RESET'])
  await using node = await createRuntime({ machines: { echo }, store: urlAs('troupe-worker', redis) })
  await node.actor('echo', 'x').start()
  await waitUntil('the queue is there', async () => (await run('troupe-tasks', ['EXISTS', '{troupe:q:python}:protocol'])) === 1)
  await using worker = await startPythonWorker(urlAs('troupe-tasks', redis))
  expect(await node.actor('echo', 'x').result()).toBe('said by Python')
  expect(await worker.signal('SIGTERM')).toBe(0)
  expect(worker.complained()).toBe('')
  expect(await run('troupe-admin', ['ACL', 'LOG'])).toEqual([])
})

test('workers run as troupe-worker, and the server refuses them nothing', async () => {
  await run('troupe-admin', ['ACL', 'LOG', 'RESET'])
  const store = `${urlAs('troupe-worker', redis)}?partitions=4`
  const refused: unknown[] = []
  const runtime = await createRuntime({ machines, store, onError: error => refused.push(error) })
  const worker = await createWorker({ store, machines, queues: { own: { total: 3, perKey: 2, weights: { a: 2 }, minIdleMs: 200 } }, onError: error => refused.push(error) })
  const orders: readonly Order[] = [{ do: 'echo' }, { do: 'fail', times: 1 }, { do: 'beat', page: 1, fails: true }, { do: 'progress', steps: [1] }, { do: 'sleep', ms: 300, key: 'a' }, { do: 'hang', key: 'a' }]
  for (const [index, order] of orders.entries()) await runtime.actor('own', `acl-${index}`).start(order)
  for (const index of [0, 1, 3, 4]) await runtime.actor('own', `acl-${index}`).waitFor(({ value }) => value === 'worked')
  await runtime.actor('own', 'acl-5').stop()
  expect((await runtime.queues()).find(({ queue }) => queue === 'own')).toMatchObject({ ended: { deadLetters: 0 } })
  await worker.close()
  await runtime.close()
  expect(refused).toEqual([])
  expect(await run('troupe-admin', ['ACL', 'LOG'])).toEqual([])
})
