import { describe, expect, test } from 'vitest'
import { task } from 'troupe'
import type { TaskOptions } from 'troupe'
import { createActor, fromCallback, fromPromise, setup, spawnChild } from 'xstate'
import type { AnyActorRef, AnyStateMachine } from 'xstate'
import { actorId } from '../../src/core/address.ts'
import { busiestKeys, defaultQueueSettings, resolveQueues, turnOf } from '../../src/core/queue.ts'
import { taskOf } from '../../src/core/task.ts'
import { standingOf } from '../../src/host/attempt.ts'
import { taskName, tasksOf } from '../../src/host/xstate/task-name.ts'

const invalid = (message: string) => expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) })

describe('settings of queues', () => {
  test('take the defaults for what is not said', () => {
    expect(resolveQueues()).toEqual(new Map())
    expect(resolveQueues({ gpu: {}, mail: { concurrency: 2, weights: { acme: 0.5 }, total: Infinity } })).toEqual(
      new Map([['gpu', defaultQueueSettings], ['mail', { ...defaultQueueSettings, concurrency: 2, weights: { acme: 0.5 } }]]),
    )
  })

  test.each([
    ['gpu', { concurrency: 0 }, 'queues.gpu.concurrency'],
    ['gpu', { concurrency: 1.5 }, 'queues.gpu.concurrency'],
    ['gpu', { total: Number.NaN }, 'queues.gpu.total'],
    ['gpu', { perKey: -1 }, 'queues.gpu.perKey'],
    ['gpu', { perKey: '3' as never }, 'queues.gpu.perKey'],
    ['gpu', { deliveriesMax: 0 }, 'queues.gpu.deliveriesMax'],
    ['gpu', { minIdleMs: 0 }, 'queues.gpu.minIdleMs'],
    ['gpu', { minIdleMs: Infinity }, 'queues.gpu.minIdleMs'],
    ['gpu', { weights: { acme: 0 } }, 'queues.gpu.weights["acme"]'],
    ['gpu', { weights: { acme: Infinity } }, 'queues.gpu.weights["acme"]'],
    ['gpu', { concurency: 3 } as never, 'queues.gpu.concurency is not an option'],
    ['gpu', 3 as never, 'queues.gpu must be an object'],
    ['gpu', null as never, 'queues.gpu must be an object'],
    ['gpu', { concurrency: undefined } as never, 'queues.gpu.concurrency'],
    ['a b', {}, '"a b" cannot name a queue'],
    ['', {}, '"" cannot name a queue'],
    ['x'.repeat(129), {}, 'cannot name a queue'],
  ])('of queue %s: %j is refused', (name, options, message) => {
    expect(() => resolveQueues({ [name]: options })).toThrow(invalid(message))
  })
})

test('of every 16 turns 12 begin with high, 3 with medium and 1 with low, at any count', () => {
  for (const from of [0, 7, 16_000_003]) {
    const firsts = Array.from({ length: 16 }, (_, n) => turnOf(from + n)[0])
    expect(Object.fromEntries(Map.groupBy(firsts, first => first).entries().map(([first, all]) => [first, all.length]))).toEqual({ high: 12, medium: 3, low: 1 })
  }
  for (let count = 0; count < 16; count++) expect(turnOf(count).toSorted()).toEqual(['high', 'low', 'medium'])
})

test('the busiest keys come first', () => {
  const key = (name: string, waiting: number, active: number) => ({ key: name, waiting, active })
  const keys = [key('a', 1, 0), key('b', 2, 1), key('c', 2, 3), key('d', 0, 9)]
  expect(busiestKeys(keys, 3).map(each => each.key)).toEqual(['c', 'b', 'a'])
})

describe('the standing of a task', () => {
  const actor = actorId({ tenant: 'acme', machine: 'order', key: '1' })
  const standing = (options: Partial<TaskOptions<unknown, unknown>>, input: unknown = {}) => standingOf(taskOf(task({ run: () => 1, ...options })), actor, input)

  test('is its tenant and medium, unless its options say otherwise', () => {
    expect(standing({})).toEqual({ key: 'acme', priority: 'medium' })
    expect(standing({ priority: 'low', key: () => 'best' })).toEqual({ key: 'best', priority: 'low' })
    expect(standing({ priority: input => (input as { isUrgent: boolean }).isUrgent ? 'high' : 'low', key: input => `customer ${(input as { customer: number }).customer}` }, { isUrgent: true, customer: 7 })).toEqual({ key: 'customer 7', priority: 'high' })
  })

  test.each([
    ['a priority that is none', { priority: () => 'urgent' as never }, 'the priority of a task of order/1 must be one of high, medium, low, not urgent'],
    ['a key that is no string', { key: () => 7 as never }, 'the queue key of a task of order/1 must be a string'],
    ['a key with control characters', { key: () => 'a\u0001b' }, 'without control characters'],
    ['a key that is too long', { key: () => 'x'.repeat(257) }, 'at most 256 characters'],
  ])('%s is refused', (_what, options, message) => {
    expect(() => standing(options)).toThrow(invalid(message))
  })
})

test.each(['', 'a b', 'a/b', 'x'.repeat(129)])('a task cannot name the queue %j', queue => {
  expect(() => task({ run: () => 1, queue })).toThrow(invalid('cannot name a queue'))
})

describe('names of tasks', () => {
  const work = task({ run: () => 'done', queue: 'gpu' })
  const other = task({ run: () => 'other' })

  /** Names of the tasks that run under an actor. */
  const running = (ref: AnyActorRef): string[] => {
    const { children } = ref.getSnapshot() as { readonly children?: Readonly<Record<string, AnyActorRef>> }
    return children ? Object.values(children).flatMap(running) : [taskName('m', ref)]
  }

  test('are those of setup, of the machine and of the machines inside it', () => {
    const inner = setup({ actors: { work, plain: fromPromise(async () => 1), live: fromCallback(() => undefined) } }).createMachine({ invoke: [{ src: 'work' }, { src: 'plain', id: 'p' }] })
    const outer = setup({ actors: { inner, other } }).createMachine({ invoke: [{ src: 'inner', id: 'first' }, { src: 'inner', id: 'second' }, { src: 'other' }] })
    expect([...tasksOf('m', outer)].map(([name, { queue }]) => [name, queue])).toEqual([['m/inner/work', 'gpu'], ['m/inner/plain', 'default'], ['m/other', 'default']])
    expect(running(createActor(outer).start())).toEqual(['m/inner/work', 'm/inner/plain', 'm/inner/work', 'm/inner/plain', 'm/other'])
    expect(tasksOf('m', work)).toEqual(new Map())
  })

  test('do not grow where a machine knows itself, alone or by way of another', () => {
    const nest = (name: string) => setup({ actors: { work, next: work as unknown as AnyStateMachine } }).createMachine({ id: name, invoke: { src: 'work' }, on: { GO: { actions: spawnChild('next', { id: 'next' }) } } })
    const [even, odd] = [nest('even'), nest('odd')]
    Object.assign(even.implementations.actors, { next: odd })
    Object.assign(odd.implementations.actors, { next: even })
    const known = tasksOf('m', even)
    expect([...known.keys()]).toEqual(['m/work', 'm/next/work'])
    const root = createActor(even).start()
    for (let ref: AnyActorRef | undefined = root, depth = 0; ref && depth < 3; depth++) {
      ref.send({ type: 'GO' })
      ref = (ref.getSnapshot() as { readonly children: Readonly<Record<string, AnyActorRef>> }).children['next']
    }
    expect(running(root)).toEqual(['m/work', 'm/next/work', 'm/work', 'm/next/work'])
  })
})
