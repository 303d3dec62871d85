import { expect, test } from 'vitest'
import { createRuntime, task } from 'troupe'
import type { Clock, Store } from 'troupe'
import { createMemoryStore, createVirtualClock } from 'troupe/testing'
import { assign, setup } from 'xstate'

const PARTITIONS = 8

/** Runtimes of one process over one store, as nodes over one Redis. */
function cluster() {
  const clock = createVirtualClock()
  const attempts: { readonly key: string; readonly attempt: number; readonly node: number }[] = []
  const release = new Set<() => void>()
  const store = createMemoryStore({ partitions: PARTITIONS, shared: true })
  const silent = new Set<number>()
  let nodes = 0
  const open = () => {
    const node = ++nodes
    const work = task({
      retry: 1,
      run: ({ idempotencyKey, attempt, signal }) => {
        attempts.push({ key: idempotencyKey, attempt, node })
        return new Promise<string>((resolve, reject) => {
          release.add(() => resolve(`done by ${node}`))
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
    })
    const worker = setup({ types: { context: {} as { readonly by: string }, output: {} as string }, actors: { work } }).createMachine({
      id: 'worker',
      context: { by: '' },
      initial: 'working',
      states: { working: { invoke: { src: 'work', onDone: { target: 'over', actions: assign({ by: ({ event }) => event.output }) } } }, over: { type: 'final' } },
      output: ({ context }) => context.by,
    })
    const own = clockOf(clock, () => !silent.has(node))
    return createRuntime({ machines: { worker }, store: deafStore(store, () => silent.has(node)), clock: own, limits: { leaseTtlMs: 9_000 } })
  }
  return { clock, attempts, open, silence: (node: number) => void silent.add(node), finish: () => release.forEach(resolve => resolve()) }
}

/** A clock that stands still for a process that is dead. */
const clockOf = (clock: Clock, isAlive: () => boolean): Clock => {
  const whileAlive = (fn: () => void) => () => isAlive() && fn()
  return { now: () => clock.now(), setTimer: (fn, ms, upkeep) => clock.setTimer(whileAlive(fn), ms, upkeep), clearTimer: handle => clock.clearTimer(handle), soon: fn => clock.soon(whileAlive(fn)) }
}

/** A store that tells a process that is dead nothing any more. */
const deafStore = (store: Store, isDead: () => boolean): Store =>
  new Proxy(store, {
    get(target, name) {
      if (name !== 'subscribe') return Reflect.get(target, name, target) as unknown
      return (...[listener, scope]: Parameters<Store['subscribe']>) => target.subscribe(change => !isDead() && listener(change), scope)
    },
  })

const ownedBy = (...runtimes: readonly Awaited<ReturnType<ReturnType<typeof cluster>['open']>>[]) => runtimes.map(runtime => runtime.health().partitions.owned.length)

test('a node that joins is given its share, and each partition has one owner', async () => {
  const { clock, open } = cluster()
  const first = await open()
  expect(ownedBy(first)).toEqual([PARTITIONS])
  const second = await open()
  await clock.advance(3_000)
  const [kept = 0, given = 0] = ownedBy(first, second)
  expect(kept + given).toBe(PARTITIONS)
  expect(Math.min(kept, given)).toBeGreaterThan(0)
  expect(first.health().counters.handovers).toBe(given)
  const { nodes, partitions } = await first.cluster()
  expect(new Map(nodes.map(({ isSelf, partitions: own }) => [isSelf, own.length]))).toEqual(new Map([[true, kept], [false, given]]))
  expect(new Set(partitions.map(({ node }) => node)).size).toBe(2)
  await second.close()
  await clock.advance(3_000)
  expect(ownedBy(first)).toEqual([PARTITIONS])
  await first.close()
})

test('a node that falls silent is given up when its time is over, and its partitions go to the others', async () => {
  const { clock, open, silence } = cluster()
  const [first, second] = [await open(), await open()]
  await clock.advance(3_000)
  const [kept = 0] = ownedBy(first, second)
  silence(2)
  await clock.advance(5_000)
  expect(ownedBy(first)).toEqual([kept])
  await clock.advance(10_000)
  expect(ownedBy(first)).toEqual([PARTITIONS])
  expect((await first.cluster()).nodes).toHaveLength(1)
  expect(first.health().counters.takeovers).toBe(PARTITIONS - kept)
  await first.close()
})

test('a task of a partition that is given over runs again where it goes, under the same key and not counted as a failure', async () => {
  const { clock, open, attempts, finish } = cluster()
  const first = await open()
  const handles = Array.from({ length: 16 }, (_, n) => first.actor('worker', `${n}`))
  await Promise.all(handles.map(handle => handle.start()))
  await clock.settle()
  expect(attempts).toHaveLength(16)
  const second = await open()
  await clock.advance(3_000)
  const again = attempts.filter(({ node }) => node === 2)
  expect(again.length).toBeGreaterThan(0)
  for (const { key } of again) expect(attempts.filter(each => each.key === key).map(({ node }) => node)).toEqual([1, 2])
  finish()
  await clock.advance(1_000)
  const results = await Promise.all(handles.map(handle => handle.result()))
  expect(results.filter(by => by === 'done by 2')).toHaveLength(again.length)
  expect(results.filter(by => by === 'done by 1')).toHaveLength(16 - again.length)
  expect(await first.deadLetters.list()).toEqual([])
  await Promise.all([first.close(), second.close()])
})
