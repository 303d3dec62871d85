import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { median, percentile, toLine } from '../../bench/harness.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

/** Runs the benchmarks' command; nothing is measured by arguments that it refuses. */
const run = (...names: readonly string[]) =>
  new Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>(resolve => {
    execFile(process.execPath, ['--conditions=troupe-source', MAIN, ...names], (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }))
  })

test('a figure is held to its bound, and one without a bound judges nothing', () => {
  expect(toLine('hop', { figure: 'askP50Ms', value: 1.00004, unit: 'ms', atMost: 1 })).toEqual({ bench: 'hop', figure: 'askP50Ms', value: 1, unit: 'ms', target: 1, ok: false })
  expect(toLine('hop', { figure: 'hopsPerSecond', value: 30_000.4, unit: 'hops/s', atLeast: 30_000 })).toMatchObject({ value: 30_000, target: 30_000, ok: true })
  expect(toLine('hop', { figure: 'hopCpuUs', value: 123.456, unit: 'us' })).toMatchObject({ value: 123.5, target: null, ok: true })
})

test('a figure that could not be measured is not ok, and leaves a line of JSON', () => {
  const line = toLine('memory', { figure: 'rssMB', value: Number.NaN, unit: 'MB' })
  expect(line.ok).toBe(false)
  expect(JSON.parse(JSON.stringify(line))).toMatchObject({ value: null })
})

test('percentiles do not depend on the order of measurement', () => {
  const values = Array.from({ length: 100 }, (_, index) => (index * 37) % 100)
  expect(median(values)).toBe(50)
  expect(percentile(values, 0.99)).toBe(99)
  expect(percentile([7], 0.99)).toBe(7)
})

test('an unknown bench is refused with the list of known ones', async () => {
  const { code, stdout, stderr } = await run('hop', 'jump')
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toMatch(/no bench 'jump'.*throughput, hop, conversation, recovery, memory, starts/)
})
