import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../support/processes.ts'
import { openClient } from '../support/redis/open-client.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { passwordOf, readDeployed, startDeployed, turnOn, urlAs } from '../support/redis/start-deployed.ts'

let shipped: string
let redis: RedisServer
let admin: Redis

beforeAll(async () => {
  shipped = await readDeployed('users.acl')
  redis = await startDeployed(turnOn(shipped))
  admin = openClient(urlAs('troupe-admin', redis))
})
afterAll(async () => {
  admin.disconnect()
  await redis.stop()
})

describe('the shipped configuration', () => {
  test('is understood whole by the server', async () => {
    expect(redis.log).toContain('Ready to accept connections')
    expect(redis.log).not.toMatch(/unknown|deprecated|bad directive|wrong number|invalid|error/i)
  })

  test('is in force', async () => {
    const lines = (await readDeployed('redis.conf')).split('\n').filter(line => /^[a-z]/.test(line)).map(line => line.split(' '))
    const machine = new Set(['bind', 'port', 'dir', 'aclfile', 'maxmemory', 'save', 'client-output-buffer-limit'])
    for (const [directive = '', value] of lines) {
      const [, inForce] = await admin.config('GET', directive) as readonly string[]
      expect(inForce, directive).toBeDefined()
      if (!machine.has(directive)) expect(inForce, directive).toBe(value?.replace('64mb', String(64 * 1024 * 1024)))
    }
    expect(await admin.config('GET', 'save')).toEqual(['save', '3600 1 300 10000'])
  })

  test('keeps what is acknowledged, and never evicts', async () => {
    const setting = async (name: string): Promise<unknown> => (await admin.config('GET', name) as readonly string[])[1]
    expect(await Promise.all(['maxmemory-policy', 'appendonly', 'appendfsync', 'no-appendfsync-on-rewrite'].map(setting))).toEqual(['noeviction', 'yes', 'everysec', 'no'])
  })

  test('has no line that Redis 6.2 does not know', async () => {
    const sinceRedis7 = ['busy-reply-threshold', 'appenddirname', 'aof-timestamp-enabled', 'latency-tracking', 'shutdown-timeout', 'maxmemory-clients', 'enable-debug-command', 'enable-protected-configs', 'enable-module-command', 'bind-source-addr', 'repl-diskless-sync-max-replicas', 'cluster-port', 'locale-collate']
    const conf = await readDeployed('redis.conf')
    for (const directive of sinceRedis7) expect(conf).not.toMatch(new RegExp(`^${directive} `, 'm'))
    // Several save points on one line, key permissions and selectors are of Redis 7 as well.
    expect(conf).not.toMatch(/^save \d+ \d+ \d/m)
    expect(shipped).not.toMatch(/%R~|%W~|\(/)
  })
})

test('replicas follow as the user that the README tells', async () => {
  const readme = await readDeployed('README.md')
  const line = /^user troupe-replica .*$/m.exec(readme)?.[0] ?? ''
  await using primary = await startDeployed(turnOn(`${shipped}${line}\n`))
  await using replica = await startDeployed(turnOn(`${shipped}${line}\n`), {
    replicaof: `127.0.0.1 ${primary.port}`,
    masteruser: 'troupe-replica',
    masterauth: `"${passwordOf('troupe-replica')}"`,
  })
  const [writer, reader, monitor] = [openClient(urlAs('troupe-worker', primary)), openClient(urlAs('troupe-worker', replica)), openClient(urlAs('troupe-monitoring', replica))]
  await waitUntil('the replica has a link', async () => (await monitor.info('replication')).includes('master_link_status:up'))
  await writer.set('{troupe:p0}:text', 'x')
  expect(await writer.wait(1, 5_000)).toBe(1)
  expect(await reader.get('{troupe:p0}:text')).toBe('x')
  for (const client of [writer, reader, monitor]) client.disconnect()
})
