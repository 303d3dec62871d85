import { describe, expect, test } from 'vitest'
import { createCpuPool } from 'troupe/workers'
import type { WorkersOptions } from 'troupe/workers'
import { maskOf, parseCpuList } from '../../src/workers/cpu-list.ts'
import { layOut } from '../../src/workers/layout.ts'
import type { Machine } from '../../src/workers/layout.ts'

const cpus = (count: number): readonly number[] => Array.from({ length: count }, (_, cpu) => cpu)
const ryzen: Machine = { platform: 'linux', cpusAllowed: cpus(8), parallelism: 8 }
const planes = (options: WorkersOptions, machine: Partial<Machine> = {}) => layOut(options, { ...ryzen, ...machine }).planes

describe('lists of CPUs of the kernel', () => {
  test.each([
    ['0-3', [0, 1, 2, 3]],
    ['0,2,8-9\n', [0, 2, 8, 9]],
    ['63-66,127', [63, 64, 65, 66, 127]],
    ['', []],
  ])('%j', (text, list) => expect(parseCpuList(text)).toEqual(list))

  test.each([0, 7, 8, 63, 64, 200, 8191])('the mask of CPU %i has its bit and no other', cpu => {
    const set = [...maskOf(cpu)].flatMap((byte, index) => cpus(8).filter(bit => byte & (1 << bit)).map(bit => index * 8 + bit))
    expect(set).toEqual([cpu])
  })
})

describe('threads and CPUs of planes', () => {
  test('by default there is one plane with a thread per CPU', () => {
    expect(planes({})).toEqual([{ plane: 'default', threads: 8, cpus: cpus(8), reason: null }])
  })

  test('only CPUs that the process may use are used, however high their numbers', () => {
    expect(planes({}, { cpusAllowed: [64, 65, 100], parallelism: 3 })).toMatchObject([{ threads: 3, cpus: [64, 65, 100] }])
  })

  test('a container that may use less time than it has CPUs gets fewer threads', () => {
    expect(planes({}, { parallelism: 2 })).toMatchObject([{ threads: 2, cpus: [0, 1] }])
  })

  test('control keeps CPUs free', () => {
    expect(layOut({ control: [0] }, ryzen)).toMatchObject({ control: [0], planes: [{ threads: 7, cpus: [1, 2, 3, 4, 5, 6, 7] }] })
  })

  test('control gets nothing where that would leave nothing', () => {
    expect(layOut({ control: [0] }, { ...ryzen, cpusAllowed: [0], parallelism: 1 })).toMatchObject({ control: [], planes: [{ threads: 1, cpus: [0] }] })
    expect(layOut({ control: [0] }, { ...ryzen, cpusAllowed: [4, 5], parallelism: 2 })).toMatchObject({ control: [], planes: [{ threads: 2, cpus: [4, 5] }] })
  })

  test('planes have their CPUs and those without any share what is left', () => {
    expect(planes({ control: [0], planes: { runner: { cpus: [1, 2] }, fanOut: {}, vectors: { threads: 4 } } })).toEqual([
      { plane: 'runner', threads: 2, cpus: [1, 2], reason: null },
      { plane: 'fanOut', threads: 2, cpus: [3, 4], reason: null },
      { plane: 'vectors', threads: 4, cpus: [5, 6, 7], reason: null },
    ])
  })

  test('planes share CPUs where there are too few', () => {
    expect(planes({ planes: { a: {}, b: {}, c: {} } }, { cpusAllowed: [0, 1], parallelism: 2 }).map(plane => plane.cpus)).toEqual([[0], [0], [1]])
    expect(planes({ planes: { a: { cpus: [0, 1] }, b: {} } }, { cpusAllowed: [0, 1], parallelism: 2 })[1]).toMatchObject({ threads: 2, cpus: [0, 1] })
  })

  test('CPUs that this machine does not have are left out; without any its threads are not pinned', () => {
    expect(planes({ planes: { a: { cpus: [1, 9] }, b: { cpus: [8, 9] } } })).toEqual([
      { plane: 'a', threads: 1, cpus: [1], reason: null },
      { plane: 'b', threads: 2, cpus: [], reason: 'this process may not use the CPUs 8, 9' },
    ])
  })

  test.each([
    ['pin is off', { pin: false }, {}, 'pin is off'],
    ['macOS', {}, { platform: 'darwin', cpusAllowed: undefined }, 'pinning needs Linux, this is darwin'],
    ['Windows', {}, { platform: 'win32', cpusAllowed: undefined }, 'pinning needs Linux, this is win32'],
    ['a container without /proc', {}, { cpusAllowed: undefined }, 'there is no /proc that says which CPUs may be used'],
  ] as const)('%s: as many threads, not pinned, with the reason', (_what, options, machine, reason) => {
    expect(planes(options, machine)).toEqual([{ plane: 'default', threads: 8, cpus: [], reason }])
    expect(planes({ ...options, planes: { a: {}, b: {} } }, machine)).toMatchObject([{ threads: 4, cpus: [], reason }, { threads: 4, cpus: [], reason }])
  })
})

test.each([
  [{ threads: 0 }, 'workers.threads must be a whole number from 1, not 0'],
  [{ threads: 1.5 }, 'workers.threads'],
  [{ queueMax: -1 }, 'workers.queueMax'],
  [{ memoryMbMax: 4 }, 'workers.memoryMbMax must be a whole number from 16, not 4'],
  [{ idleMs: Number.NaN }, 'workers.idleMs'],
  [{ control: [-1] }, 'workers.control'],
  [{ planes: {} }, 'workers.planes'],
  [{ planes: { a: {} }, threads: 2 }, 'workers.threads'],
  [{ planes: { a: { cpus: [] } } }, 'workers.planes.a.cpus'],
  [{ planes: { a: { threads: 0 } } }, 'workers.planes.a.threads'],
  [{ control: [0], planes: { a: { cpus: [0, 1] } } }, 'which workers.control keeps free'],
  [{ thread: 2 }, 'workers.thread is not an option'],
])('%j is refused', (options, message) => {
  expect(() => createCpuPool(options as WorkersOptions)).toThrow(expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) }))
})
