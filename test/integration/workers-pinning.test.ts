/** Threads and CPUs, in processes that may use different ones: what the kernel says. Needs Linux, as pinning does. */
import { execFile } from 'node:child_process'
import { getPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createCpuPool } from 'troupe/workers'
import type { CpuPoolInfo, WorkersOptions } from 'troupe/workers'
import { cpusAllowed } from '../../src/workers/cpu-list.ts'

interface Answer {
  readonly seen: readonly { readonly thread: number; readonly cpus: readonly number[] }[]
  readonly info: CpuPoolInfo
}
const support = (file: string): string => fileURLToPath(new URL(`../support/${file}`, import.meta.url))

/** Starts a process with a pool, lets each of its threads say on which CPUs it may run, and asks the pool the same. */
async function ask(options: WorkersOptions, { flags = [], wrap = [] }: { readonly flags?: readonly string[]; readonly wrap?: readonly string[] } = {}): Promise<Answer> {
  const [command, ...args] = [...wrap, process.execPath, '--conditions=troupe-source', '--disable-warning=ExperimentalWarning', ...flags, support('pool-process.ts'), JSON.stringify(options)]
  const { stdout } = await promisify(execFile)(command, args)
  return JSON.parse(stdout) as Answer
}

const allowed = cpusAllowed() ?? []
const [first = 0, second = first] = allowed

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  test('each thread is pinned to a CPU of its own, as the kernel says inside and outside of it', async () => {
    const { seen, info } = await ask({})
    expect(info.pinning).toEqual({ isOn: true, reason: null })
    expect(info.cpusAllowed).toEqual(allowed)
    expect(new Set(info.threads.map(({ cpu }) => cpu))).toEqual(new Set(allowed.slice(0, info.threads.length)))
    for (const { thread, cpu, cpusAllowed: now, tid, reason } of info.threads) {
      expect({ now, reason }).toEqual({ now: [cpu], reason: null })
      expect(tid).toBeGreaterThan(1)
      expect(seen.find(other => other.thread === thread)?.cpus).toEqual([cpu])
    }
  })

  test('each thread has a lower priority than the event loop, which keeps its own', async () => {
    const own = getPriority()
    await using pool = createCpuPool({ threads: 2 })
    await pool.run({ module: new URL('../support/cpu-functions.ts', import.meta.url), export: 'add', input: [1] as never })
    for (const { tid } of pool.info().threads) expect(getPriority(tid ?? 0)).toBe(Math.max(10, own))
    expect(getPriority()).toBe(own)
  })

  test('only CPUs that the process itself may use are used', async () => {
    const { info } = await ask({ threads: 2 }, { wrap: ['taskset', '-c', String(second)] })
    expect(info.cpusAllowed).toEqual([second])
    expect(info.threads.map(thread => thread.cpusAllowed)).toEqual([[second], [second]])
  })

  test.skipIf(allowed.length < 2)('each plane has its CPUs', async () => {
    const { info } = await ask({ planes: { runner: { cpus: [second], threads: 2 }, fanOut: { cpus: [first] } } })
    expect(info.threads.map(({ plane, cpusAllowed: now }) => [plane, now])).toEqual([['runner', [second]], ['runner', [second]], ['fanOut', [first]]])
  })

  test.skipIf(allowed.length < 2)('no thread runs on the CPUs of control', async () => {
    const { info } = await ask({ control: [first] })
    expect(info.control).toEqual([first])
    expect(info.threads.flatMap(({ cpusAllowed: now }) => now)).toEqual(allowed.slice(1, 1 + info.threads.length))
  })

  test.each([
    ['pin is off', { pin: false }, {}, 'pin is off'],
    ['koffi is not installed', {}, { flags: ['--import', support('without-koffi.mjs')] }, "koffi, which calls sched_setaffinity, cannot be used: Cannot find package 'koffi'"],
    ['it names CPUs that are not there', { planes: { far: { cpus: [8000], threads: 2 } } }, {}, 'this process may not use the CPUs 8000'],
  ] as const)('without pinning the threads compute all the same, and say why: %s', async (_what, options, how, reason) => {
    const { seen, info } = await ask(options, how)
    expect(seen.map(({ cpus }) => cpus)).toEqual(seen.map(() => allowed))
    expect(info.pinning).toEqual({ isOn: false, reason })
    expect(info.threads.map(thread => thread.reason)).toEqual(info.threads.map(() => reason))
    expect(info.threads.map(({ cpu }) => cpu)).toEqual(info.threads.map(() => null))
  })

  test.skipIf(!['x64', 'arm64'].includes(process.arch))('where the kernel refuses it the threads compute unpinned, and say so', async () => {
    const { seen, info } = await ask({}, { flags: ['--import', support('without-affinity.mjs')] })
    expect(seen.map(({ cpus }) => cpus)).toEqual(seen.map(() => allowed))
    expect(info.pinning).toEqual({ isOn: false, reason: expect.stringMatching(/^the kernel refused CPU \d+: EPERM$/) })
  })
})
