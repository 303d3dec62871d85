import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createRuntime } from 'troupe'
import type { Runtime } from 'troupe'
import { actorId, partitionOf } from '../src/core/address.ts'
import { preferredNode } from '../src/core/rendezvous.ts'
import { startRedis } from '../test/support/redis/redis-server.ts'
import { order } from './order-machine.ts'

/** So many that each of four processes has its share: with 16 one in twenty runs would leave a process without any. */
const PARTITIONS = 32

/** A server of its own with AOF, as a deployment has it at `durability=process-crash`. */
export async function withRedis<T>(work: (url: string) => Promise<T>): Promise<T> {
  await using server = await startRedis({ config: { appendonly: 'yes', appendfsync: 'everysec' } })
  return await work(`${server.url}?partitions=${PARTITIONS}`)
}

export const openOrders = (url: string, leaseTtlMs = 10_000): Promise<Runtime<{ order: typeof order }>> => createRuntime({ machines: { order }, store: url, limits: { leaseTtlMs } })

/** Keys of actors whose partitions this runtime owns. */
export function ownKeys(runtime: Runtime<{ order: typeof order }>, count: number, name: string): readonly string[] {
  const { total, owned } = runtime.health().partitions
  if (owned.length === 0) throw new Error('this process owns no partition')
  const keys: string[] = []
  for (let n = 0; keys.length < count; n++) {
    const key = `${name}-${n}`
    if (owned.includes(partitionOf(actorId({ tenant: 'default', machine: 'order', key }), total))) keys.push(key)
  }
  return keys
}

/** Waits until so many nodes share all partitions, each those that belong to it. */
export async function shared(runtime: Runtime<{ order: typeof order }>, nodes: number): Promise<void> {
  for (;;) {
    const { nodes: found, partitions } = await runtime.cluster()
    const names = found.map(({ node }) => node)
    if (names.length === nodes && partitions.every(({ partition, node }) => node === preferredNode(partition, names))) return
    await sleep(20)
  }
}

/** Processes that meet at a point, by a counter on the server. */
export async function meet(url: string, point: string, count: number): Promise<void> {
  const client = new Redis(url)
  await client.incr(`meet:${point}`)
  while (Number(await client.get(`meet:${point}`)) < count) await sleep(2)
  client.disconnect()
}

/** CPU that the server has used so far, in microseconds. */
export async function serverCpuUs(url: string): Promise<number> {
  const client = new Redis(url)
  const text = await client.info('cpu')
  client.disconnect()
  return ['used_cpu_user', 'used_cpu_sys'].reduce((sum, name) => sum + Number(new RegExp(`^${name}:([0-9.]+)`, 'm').exec(text)?.[1]) * 1e6, 0)
}

export async function serverBytes(url: string): Promise<number> {
  const client = new Redis(url)
  const text = await client.info('memory')
  client.disconnect()
  return Number(/^used_memory:(\d+)/m.exec(text)?.[1])
}
