import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../support/processes.ts'
import { findRedis } from '../support/redis/find-redis.ts'
import { openClient } from '../support/redis/open-client.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import type { RedisCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { makeTempDir } from '../support/temp-dir.ts'

/** What the tests of the Redis store stand on: if these lie, those prove nothing. */
const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('one server', () => {
  test('answers commands, listens on loopback only, and leaves nothing behind', async () => {
    const redis = await startRedis()
    const { pid, folder } = redis
    expect(await redis.command('PING')).toBe('PONG')
    expect(await redis.command('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1'])
    expect(await redis.command('INFO', 'server')).toContain(`process_id:${pid}`)
    await redis.stop()
    expect(isRunning(pid)).toBe(false)
    await expect(readdir(folder)).rejects.toThrow('ENOENT')
  })

  test('keeps what its append-only file has when it is killed and started again, and forgets the rest', async () => {
    for (const [appendonly, kept] of [['yes', 'value'], ['no', null]] as const) {
      await using redis = await startRedis({ config: { appendonly } })
      const { port, pid } = redis
      await redis.command('SET', 'key', 'value')
      await redis.kill()
      expect(isRunning(pid)).toBe(false)
      await redis.restart()
      expect(redis.port).toBe(port)
      expect(redis.pid).not.toBe(pid)
      expect(await redis.command('GET', 'key'), `appendonly ${appendonly}`).toBe(kept)
    }
  })

  test('is ready only when its data is loaded', async () => {
    // The server waits so many microseconds at each key that it loads.
    await using redis = await startRedis({ config: { appendonly: 'yes', 'key-load-delay': '5000' } })
    await redis.command('EVAL', "for n = 1, 50 do redis.call('SET', 'key' .. n, n) end", 0)
    const startedAt = performance.now()
    await redis.restart()
    expect(performance.now() - startedAt).toBeGreaterThan(200)
    expect(await redis.command('DBSIZE')).toBe(50)
  })

  test('can be frozen and go on, and stops while it is frozen', async () => {
    await using redis = await startRedis()
    await redis.command('SET', 'key', 'before')
    await redis.kill('SIGSTOP')
    const written = redis.command('SET', 'key', 'after')
    await redis.kill('SIGCONT')
    expect(await written).toBe('OK')
    await redis.kill('SIGSTOP')
  })

  test('keeps a folder that it was given', async () => {
    const folder = await makeTempDir()
    const config = { appendonly: 'yes' }
    const first = await startRedis({ folder, config })
    await first.command('SET', 'key', 'value')
    await first.stop()
    const second = await startRedis({ folder, config })
    expect(await second.command('GET', 'key')).toBe('value')
    await second.stop()
    await rm(folder, { recursive: true })
  })

  test('says what is wrong when it cannot start', async () => {
    await expect(startRedis({ config: { 'no-such-setting': '1' } })).rejects.toThrow('Bad directive')
    await using redis = await startRedis()
    await expect(startRedis({ port: redis.port })).rejects.toThrow('Address already in use')
  })

  test.skipIf(process.platform !== 'linux')('ends with the process that has started it, even if that is killed', async () => {
    const source = fileURLToPath(new URL('../support/redis/redis-server.ts', import.meta.url))
    const folder = await makeTempDir()
    const script = `import { startRedis } from ${JSON.stringify(source)}; const { pid } = await startRedis({ folder: ${JSON.stringify(folder)} }); console.log(pid); setInterval(() => 0, 60_000)`
    const parent = spawn(process.execPath, ['--conditions=troupe-source', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(parent.stdout, 'data') as [Buffer]
    const pid = Number(line.toString())
    expect(isRunning(pid)).toBe(true)
    parent.kill('SIGKILL')
    await waitUntil('the server has ended too', () => !isRunning(pid), 5_000)
    await rm(folder, { recursive: true })
  })

  test('where it is missing and must not be installed, the error says what to install', async () => {
    const path = await makeTempDir()
    await expect(findRedis({ path, mayInstall: false })).rejects.toThrow('apt-get install redis-server')
    await rm(path, { recursive: true })
    expect((await promisify(execFile)(await findRedis(), ['--version'])).stdout).toMatch(/v=(?:[7-9]|\d{2})\./)
  })
})

describe('a Redis for one test', () => {
  test('is a server of its own', async () => {
    const [one, other] = await Promise.all([openTestRedis(undefined), openTestRedis(undefined)])
    expect(one.url).not.toBe(other.url)
    expect(one.prefix).not.toBe(other.prefix)
    await Promise.all([one.close(), other.close()])
    await expect(openClient(one.url).ping()).rejects.toThrow('Connection is closed')
  })

  test('on a shared server it removes its own keys and no others', async () => {
    await using shared = await startRedis()
    const [one, other] = [await openTestRedis(shared.url), await openTestRedis(shared.url)]
    for (const { prefix } of [one, other]) for (let n = 0; n < 2_000; n++) await shared.command('SET', `{${prefix}:p0}:${n}`, n)
    await one.close()
    const left = await shared.command('KEYS', '*') as readonly string[]
    expect(left).toHaveLength(2_000)
    expect(left.every(key => key.startsWith(`{${other.prefix}:`))).toBe(true)
  })
})

describe('a cluster', () => {
  let cluster: RedisCluster
  const nodeAt = (index: number): RedisServer => cluster.nodes[index] as RedisServer
  const roleOf = async (node: RedisServer): Promise<unknown> => (await node.command('ROLE') as readonly unknown[])[0]
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test('has three masters that serve all slots and three replicas with a link', async () => {
    expect(await Promise.all(cluster.nodes.map(roleOf))).toEqual(['master', 'master', 'master', 'slave', 'slave', 'slave'])
    for (const node of cluster.nodes) expect(await node.command('CLUSTER', 'INFO')).toMatch(/cluster_state:ok[^]*cluster_slots_ok:16384/)
    for (const replica of cluster.nodes.slice(3)) expect(await replica.command('INFO', 'replication')).toContain('master_link_status:up')
  })

  test('a slot moves with its keys, and the old owner points to the new one', async () => {
    const slot = Number(await nodeAt(0).command('CLUSTER', 'KEYSLOT', '{moving}'))
    const from = await cluster.ownerOf(slot)
    const to = cluster.nodes.slice(0, 3).find(node => node !== from) as RedisServer
    for (let n = 0; n < 250; n++) await from.command('SET', `{moving}:${n}`, n)
    await cluster.moveSlot(slot, from, to)
    expect(await cluster.ownerOf(slot)).toBe(to)
    expect(await to.command('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(250)
    expect(await to.command('GET', '{moving}:249')).toBe('249')
    await expect(from.command('GET', '{moving}:249')).rejects.toThrow(`MOVED ${slot} 127.0.0.1:${to.port}`)
  })

  test('a replica takes over with the data, and back', async () => {
    const [master, replica] = [nodeAt(0), nodeAt(3)]
    const slot = Number(await master.command('CLUSTER', 'KEYSLOT', '{b}'))
    expect(await cluster.ownerOf(slot)).toBe(master)
    await master.command('SET', '{b}', 'value')
    expect(await master.command('WAIT', 1, 5_000)).toBe(1)
    for (const next of [replica, master]) {
      await cluster.failover(next)
      expect(await cluster.ownerOf(slot)).toBe(next)
      expect(await next.command('GET', '{b}')).toBe('value')
    }
    expect(await roleOf(replica)).toBe('slave')
  })

  test('a replica takes over from a dead master, which comes back as its replica', async () => {
    const [master, replica] = [nodeAt(1), nodeAt(4)]
    await master.kill()
    await cluster.failover(replica)
    expect(await roleOf(replica)).toBe('master')
    await master.restart()
    await waitUntil('the old master follows', async () => (await roleOf(master)) === 'slave')
  })
})
