/** The pool of threads by itself, with real threads. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { createCpuPool } from 'troupe/workers'
import type { CpuCall, CpuFunction, CpuInput, CpuOutput, OwnedCpuPool, WorkersOptions } from 'troupe/workers'
import type * as functions from '../support/cpu-functions.ts'
import { waitUntil } from '../support/processes.ts'

type Functions = typeof functions
const module = new URL('../support/cpu-functions.ts', import.meta.url)

let pool: OwnedCpuPool | undefined
afterEach(() => pool?.close())
const open = (options: WorkersOptions = {}): OwnedCpuPool => (pool = createCpuPool({ threads: 2, ...options }))

function run<TName extends keyof Functions>(name: TName, input: CpuInput<Functions[TName]>, more: Partial<CpuCall<CpuFunction>> = {}): Promise<CpuOutput<Functions[TName]>> {
  return (pool as OwnedCpuPool).run<Functions[TName]>({ module, export: name, input, ...more })
}
const plane = (index = 0) => (pool as OwnedCpuPool).info().planes[index]
const gate = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(8))

test('no thread begins before the first call', async () => {
  open()
  expect(pool?.info().threads).toEqual([])
  expect(await run('add', [1, 2, 3])).toBe(6)
  expect(pool?.info().threads).not.toEqual([])
})

test('as many calls run at once as there are threads, in the order they came', async () => {
  open({ threads: 2 })
  const [held, later] = [gate(), gate()]
  const first = [run('hold', held), run('hold', held)]
  const order: string[] = []
  const rest = ['a', 'b', 'c'].map(name => run('hold', later).then(() => order.push(name)))
  await waitUntil('two run', () => held[0] === 2)
  expect(plane()).toMatchObject({ running: 2, waiting: 3 })
  expect(later[0]).toBe(0)
  Atomics.store(held, 1, 1)
  expect(new Set(await Promise.all(first)).size).toBe(2)
  Atomics.store(later, 1, 1)
  await Promise.all(rest)
  expect(order.toSorted()).toEqual(['a', 'b', 'c'])
  expect(order.indexOf('c')).toBeGreaterThan(0)
  expect(plane()).toMatchObject({ running: 0, waiting: 0, completed: 5 })
})

test('what comes when the queue is full is refused as busy, and all before it is done', async () => {
  open({ threads: 1, queueMax: 2 })
  const held = gate()
  const accepted = [run('hold', held), run('hold', held), run('hold', held)]
  await expect(run('add', [1])).rejects.toMatchObject({ code: 'workers/busy', retryable: true, details: { plane: 'default', threads: 1, queueMax: 2 } })
  Atomics.store(held, 1, 1)
  expect(await Promise.all(accepted)).toHaveLength(3)
  expect(await run('add', [1])).toBe(1)
})

test('an abort stops the thread that computes, and the next call has a new one', async () => {
  open({ threads: 1 })
  const shared = gate()
  const stop = new AbortController()
  const counting = run('count', shared, { signal: stop.signal })
  await waitUntil('it counts', () => Atomics.load(shared, 0) > 0)
  const [before] = pool?.info().threads ?? []
  stop.abort(new Error('enough'))
  await expect(counting).rejects.toThrow('enough')
  // A thread that went on would have counted while the new one computed.
  await run('spin', 50)
  const counted = Atomics.load(shared, 0)
  await run('spin', 50)
  expect(Atomics.load(shared, 0)).toBe(counted)
  expect(pool?.info().threads.map(({ thread }) => thread)).not.toContain(before?.thread)
  expect(plane()).toMatchObject({ aborted: 1, running: 0 })
})

test('a call that is aborted while it waits never runs, and keeps its buffers', async () => {
  open({ threads: 1 })
  const [held, never] = [gate(), gate()]
  const first = run('hold', held)
  const stop = new AbortController()
  const numbers = new Float64Array([1, 2])
  const waiting = [run('hold', never, { signal: stop.signal }), run('double', numbers, { signal: stop.signal, transfer: [numbers.buffer] })]
  await waitUntil('the first runs', () => held[0] === 1)
  stop.abort(new Error('not any more'))
  for (const call of waiting) await expect(call).rejects.toThrow('not any more')
  await expect(run('hold', never, { signal: stop.signal })).rejects.toThrow('not any more')
  Atomics.store(held, 1, 1)
  await first
  await run('add', [1])
  expect(never[0]).toBe(0)
  expect(numbers).toHaveLength(2)
  expect(plane()).toMatchObject({ aborted: 3, waiting: 0 })
})

test('buffers are handed over where that is asked for, and copied where it is not', async () => {
  open({ threads: 1 })
  const [given, copied] = [new Float64Array([1, 2]), new Float64Array([3, 4])]
  expect(await run('doubleInPlace', given, { transfer: [given.buffer] })).toEqual(new Float64Array([2, 4]))
  expect(given.buffer.detached).toBe(true)
  expect(await run('double', copied)).toEqual(new Float64Array([6, 8]))
  expect(copied.buffer.detached).toBe(false)
})

test('buffers of a result are handed over with move', async () => {
  open({ threads: 1 })
  await run('handOver', undefined)
  expect(await run('keptLength', undefined)).toBe(0)
})

test('shared memory is shared', async () => {
  open({ threads: 1 })
  const held = gate()
  Atomics.store(held, 1, 1)
  await run('hold', held)
  expect(held[0]).toBe(1)
})

test('an error of the function comes back with its kind, code and details', async () => {
  open()
  await expect(run('fail', 'too far')).rejects.toMatchObject({ name: 'RangeError', message: 'too far', code: 'TOO_FAR' })
  await expect(run('fail', 'troupe')).rejects.toMatchObject({ name: 'TroupeError', code: 'ask/timeout', details: { asked: 'somebody' } })
  expect(plane()).toMatchObject({ failed: 2, crashed: 0 })
})

test.each([
  ['exits', 'exit', 3, 'workers/crashed', 'worker exited with code: 3'],
  ['throws outside of the call', 'throwOutside', undefined, 'workers/crashed', 'nobody catches this'],
  ['fills its heap', 'fillHeap', undefined, 'workers/memory', 'memoryMbMax is 32'],
] as const)('a function that %s loses only its own call', async (_what, name, input, code, message) => {
  open({ threads: 2, memoryMbMax: 32 })
  const held = gate()
  const other = run('hold', held)
  await waitUntil('the other runs', () => held[0] === 1)
  await expect(run(name, input as never)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  expect(await run('add', [1, 2])).toBe(3)
  Atomics.store(held, 1, 1)
  await other
  expect(plane()).toMatchObject({ crashed: 1, completed: 2 })
})

test('many crashes and aborts later each call still ends, and each thread has a CPU', async () => {
  open({ threads: 2 })
  const ends = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => {
    if (index % 4 === 0) return run('exit', 1)
    if (index % 4 === 1) return run('count', gate(), { signal: AbortSignal.timeout(20 * index) })
    return run('spin', 1)
  }))
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(20)
  await Promise.all([run('spin', 50), run('spin', 50)])
  const threads = pool?.info().threads ?? []
  expect(new Set(threads.map(({ cpu }) => cpu)).size).toBe(threads.length)
})

test('whatever is thrown outside of a call, the call ends', async () => {
  open({ threads: 1 })
  await expect(run('throwNull', undefined)).rejects.toMatchObject({ code: 'workers/crashed' })
  expect(await run('add', [1])).toBe(1)
})

test('where threads cannot even begin calls fail, and do not wait for ever', async () => {
  const pathOf = (file: string): string => fileURLToPath(new URL(`../support/${file}`, import.meta.url))
  const started = promisify(execFile)(process.execPath, ['--conditions=troupe-source', '--import', pathOf('without-threads.mjs'), pathOf('pool-process.ts')])
  await expect(started).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('workers/crashed') })
})

test('what cannot be cloned is refused with what it is', async () => {
  open()
  await expect(run('add', (() => 1) as never)).rejects.toMatchObject({ code: 'context/unserializable' })
  await expect(run('giveFunction', undefined)).rejects.toMatchObject({ code: 'context/unserializable' })
  expect(await run('add', [1])).toBe(1)
})

test('a module or function that is not there is named', async () => {
  open()
  await expect(run('subtract' as 'add', [])).rejects.toMatchObject({ code: 'workers/unknown', message: expect.stringContaining('exports no function subtract; it exports add,') })
  await expect(run('add', [], { module: new URL('nowhere.ts', import.meta.url) })).rejects.toMatchObject({ code: 'workers/unknown', message: expect.stringContaining('nowhere.js') })
  await expect(run('add', [], { module: './here.ts' })).rejects.toMatchObject({ code: 'config/invalid' })
  await expect(run('add', [], { plane: 'astral' })).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringContaining('there is no plane astral') })
})

test('times are milliseconds, and the utilisation is the share of all threads', async () => {
  open({ threads: 2 })
  await Promise.all([run('spin', 60), run('spin', 60), run('spin', 60), run('spin', 60)])
  const { waitMs, runMs, utilisation, completed } = plane() ?? {}
  expect(completed).toBe(4)
  expect(runMs?.count).toBe(4)
  expect(runMs?.p50).toBeGreaterThanOrEqual(59)
  expect(runMs?.max).toBeLessThan(6_000)
  expect(waitMs?.max).toBeGreaterThanOrEqual(59)
  expect(utilisation).toBeGreaterThan(0.01)
  expect(utilisation).toBeLessThanOrEqual(1)
})

test('a thread without work ends after idleMs; one of each plane stays', async () => {
  open({ threads: 2, idleMs: 20 })
  await Promise.all([run('spin', 30), run('spin', 30)])
  await waitUntil('one thread is left', () => pool?.info().threads.length === 1)
  expect(await Promise.all([run('spin', 30), run('spin', 30)])).toHaveLength(2)
})

test('planes do not hold each other up', async () => {
  open({ threads: undefined, planes: { runner: { threads: 1 }, fanOut: { threads: 1 } } } as never)
  const held = gate()
  const long = run('hold', held)
  await waitUntil('the runner is held', () => held[0] === 1)
  const behind = run('spin', 1)
  await run('spin', 1, { plane: 'fanOut' })
  expect(pool?.info().planes).toMatchObject([{ plane: 'runner', running: 1, waiting: 1, completed: 0 }, { plane: 'fanOut', completed: 1 }])
  Atomics.store(held, 1, 1)
  await Promise.all([long, behind])
})

test('a pool that closes ends what waits and runs, and takes nothing more', async () => {
  const own = open({ threads: 1 })
  const shared = gate()
  const calls = [run('count', shared), run('add', [1])]
  await waitUntil('it counts', () => Atomics.load(shared, 0) > 0)
  const closed = own.close()
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'runtime/closed' })
  await closed
  await expect(run('add', [1])).rejects.toMatchObject({ code: 'runtime/closed' })
  expect(own.info().threads).toEqual([])
})
