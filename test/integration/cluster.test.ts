import { expect, test } from 'vitest'
import { task } from 'troupe'
import { assign, setup } from 'xstate'
import { createMemoryCluster } from '../support/memory-cluster.ts'

/** So many that neither of two nodes is left without by chance. */
const PARTITIONS = 32

/** Nodes whose tasks last until they are told to finish. */
function cluster() {
  const attempts: { readonly key: string; readonly attempt: number; readonly node: number }[] = []
  const release = new Set<() => void>()
  const machinesOf = (node: number) => {
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
    return { worker }
  }
  return { ...createMemoryCluster(PARTITIONS, machinesOf, { leaseTtlMs: 9_000 }), attempts, finish: () => release.forEach(resolve => resolve()) }
}

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
