import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { createRuntime } from 'troupe'
import type { ActorSnapshot, QueueOptions, Runtime, RuntimeOptions } from 'troupe'
import { hearers, machines } from './queue-machines.ts'
import type { Order, TaskFact } from './queue-machines.ts'
import { startRedis } from './redis/redis-server.ts'
import type { RedisServer } from './redis/redis-server.ts'

export const quiet = (): void => undefined

export type Jobs = Runtime<typeof machines>
type Job = keyof typeof machines

/** Queue `gpu` with a short patience. */
export const served = (more: QueueOptions = {}): Readonly<Record<string, QueueOptions>> => ({ gpu: { minIdleMs: 500, ...more } })

export const ended = (runtime: Jobs, key: string, machine: Job = 'job'): Promise<ActorSnapshot<(typeof machines)[Job]>> =>
  runtime.actor(machine, key).waitFor(({ value }) => value !== 'working', { timeout: 20_000 })

/** Starts a job and waits for its end. */
export async function run(runtime: Jobs, order: Order, machine: Job = 'job') {
  const key = randomUUID()
  await runtime.actor(machine, key).start(order)
  return ended(runtime, key, machine)
}

/** Jobs on a Redis of the test file, each test with a prefix of its own. */
export class JobRig {
  /** What tasks that run in this process do, in this test. */
  here: TaskFact[] = []
  prefix = ''
  #redis: RedisServer | undefined

  /** Registers its hooks with the file that calls. */
  constructor() {
    hearers.add(fact => this.here.push(fact))
    beforeAll(async () => {
      this.#redis = await startRedis()
    })
    afterAll(() => this.#redis?.stop())
    beforeEach(() => {
      this.here = []
      this.prefix = `test-${randomUUID()}`
    })
  }

  get redis(): RedisServer {
    if (!this.#redis) throw new Error('Redis is not started yet')
    return this.#redis
  }

  get store(): string {
    return `${this.redis.url}?prefix=${this.prefix}&partitions=4`
  }

  /** A node that serves no queue, unless it is told to. */
  open(options: Partial<RuntimeOptions<typeof machines>> = {}): Promise<Jobs> {
    return createRuntime({ machines, store: this.store, onError: quiet, ...options })
  }

  /** Name of a key of queue `gpu`. */
  keyOf(name: string): string {
    return `{${this.prefix}:q:gpu}:${name}`
  }

  /** How many times something was done here. */
  count(fact: TaskFact['fact']): number {
    return this.here.filter(each => each.fact === fact).length
  }
}
