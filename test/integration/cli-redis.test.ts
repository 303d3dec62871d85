/** The command line over Redis: doctor's advice, a worker of a queue, and reading beside a runtime. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, linkPackages, startCli } from '../support/cli.ts'
import { waitUntil } from '../support/processes.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { makeTempDir } from '../support/temp-dir.ts'

const MACHINES = `
import { task } from 'troupe'
import { setup } from 'xstate'
const film = setup({ actors: { render: task({ queue: 'gpu', run: () => process.pid }) } }).createMachine({
  initial: 'rendering', states: { rendering: { invoke: { src: 'render', onDone: 'done' } }, done: { type: 'final' } }, context: {}, output: () => 'rendered',
})
export const machines = { film }
`

let cwd = ''
let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
  cwd = await makeTempDir()
  linkPackages(cwd)
  writeFileSync(join(cwd, 'troupe.config.mjs'), MACHINES)
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  rmSync(cwd, { recursive: true, force: true })
})

test('a worker serves a queue, readers see the run, and the node list is as before', async () => {
  const store = redis.url
  await using server = startCli({ cwd }, 'serve', '--store', store, '--port', '0')
  await server.until(/Serving/)
  await cli({ cwd }, 'start', 'film', '1')
  const nodesBefore = (JSON.parse((await cli({ cwd }, 'cluster', '--json')).stdout) as { nodes: unknown[] }).nodes.length
  expect(JSON.parse((await cli({ cwd }, 'show', 'film/1', '--store', store, '--json')).stdout)).toMatchObject({ value: 'rendering' })
  expect((JSON.parse((await cli({ cwd }, 'cluster', '--store', store, '--json')).stdout) as { nodes: { partitions: number[] }[] }).nodes.filter(({ partitions }) => partitions.length > 0)).toHaveLength(nodesBefore)
  await using worker = startCli({ cwd }, 'worker', '--store', store, '--queue', 'gpu=2')
  await worker.until(/serves gpu/)
  await waitUntil('the worker has rendered', async () => (await cli({ cwd }, 'show', 'film/1', '--json')).stdout.includes('"rendered"'))
  worker.signal('SIGTERM')
  expect(await worker.ended).toBe(0)
})

test('doctor says what to change about a Redis that forgets, and fails on one that evicts', async () => {
  const check = async (name: string) => {
    const { code, stdout } = await cli({ cwd }, 'doctor', '--store', redis.url, '--json')
    const { findings } = JSON.parse(stdout) as { findings: { check: string; verdict: string; advice?: string }[] }
    return { code, ...findings.find(finding => finding.check === name) }
  }
  await redis.command('CONFIG', 'SET', 'appendonly', 'no')
  expect(await check('durability')).toMatchObject({ code: 0, verdict: 'warn', advice: expect.stringContaining('appendonly yes') as string })
  expect(await check('time skew')).toMatchObject({ verdict: 'ok' })
  await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  try {
    expect(await check('store')).toMatchObject({ code: 1, verdict: 'fail' })
  } finally {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  }
})
