/** The timetable of examples/06-swarm as a user runs it: real processes, real kills. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drawChart } from '../../examples/06-swarm/chart.ts'
import { makeTerm } from '../../examples/06-swarm/term.ts'
import type { Term } from '../../examples/06-swarm/term.ts'
import { judge } from '../../examples/06-swarm/timetable.ts'
import { killWhen, startExample } from '../support/example.ts'
import type { Ended, ExampleProcess } from '../support/example.ts'

let cwd = ''
beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-swarm-')))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const start = (...args: readonly string[]): ExampleProcess => startExample(cwd, '06-swarm', ...args)
const run = (...args: readonly string[]): Promise<Ended> => start(...args).end
const read = (path: string): string => readFileSync(join(cwd, path), 'utf8')

/** The slot of each exam, as the file says. */
function slotsIn({ exams }: Term, csv: string): readonly number[] {
  const slots = new Map(csv.trim().split('\n').slice(1).map(line => [line.split(',')[3], Number(line.split(',')[0]) - 1]))
  return exams.map(({ code }) => slots.get(code) ?? -1)
}

test('2,000 exams find a timetable in which no student has two exams at once and each exam has a room', async () => {
  const { code, out, error } = await run()
  expect(error).toBe('')
  expect(code).toBe(0)
  expect(out).toMatch(/^2,000 exams of 12,000 students, 21 slots/)
  expect(out).toMatch(/^ {2}round \d+: 0 clashes, [\d,]+ steps, [\d,]+ steps\/s, [\d,]+ messages$/m)
  expect(out).toMatch(/^Valid after \d+ rounds: /m)
  expect(out).toMatch(/^ *\d+ ┤.*█/m)
  // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
  expect(out).not.toMatch(/[\u001b\r]/)
  const term = makeTerm({ seed: 1, exams: 2_000, slots: 21 })
  const slots = slotsIn(term, read('timetable.csv'))
  expect(slots.every(slot => slot >= 0 && slot < 21)).toBe(true)
  expect(judge(term, slots)).toEqual({ clashes: 0, students: 0, roomless: 0 })
})

test('killed again and again, it goes on and writes the same timetable; another seed is another one', async () => {
  const small = ['--exams', '400', '--slots', '20'] as const
  await run(...small, '--out', 'undisturbed.csv', '--fresh')
  const rounds = [2, 5, 9]
  await killWhen(start(...small, '--fresh'), 'SIGKILL', () => existsSync(join(cwd, 'data/swarm-400-20-1.db')))
  for (const round of rounds) {
    const process = start(...small)
    await killWhen(process, 'SIGKILL', () => process.said().includes(`round ${round * 5}:`))
  }
  const { code, out } = await run(...small)
  expect(code).toBe(0)
  expect(out).toMatch(/^(?:Goes on after round \d+|Settled by an earlier run; --fresh starts over)\.$/m)
  expect(read('timetable.csv')).toBe(read('undisturbed.csv'))
  expect((await run(...small)).out).toContain('Settled by an earlier run')
  await run(...small, '--seed', '2', '--out', 'other.csv')
  expect(read('other.csv')).not.toBe(read('undisturbed.csv'))
})

test('where there is no valid timetable it says how far it has come', async () => {
  const { code, out } = await run('--exams', '100', '--slots', '2')
  expect(code).toBe(1)
  expect(out).toMatch(/^Not valid after 400 rounds: \d+ pairs of exams clash for \d+ students, \d+ exams have no room\.\nMore slots make it easier: --slots 3\.$/m)
})

test('SIGTERM ends it gracefully, and it goes on', async () => {
  const process = start()
  const { code, out, error } = await killWhen(process, 'SIGTERM', () => process.said().includes('round 5:'))
  expect(error).toBe('')
  expect(code).toBe(143)
  expect(out).toMatch(/Stopped after round \d+\. Run again to go on\.\n$/)
  expect((await run()).out).toMatch(/^Goes on after round \d+\.$/m)
})

test.each([
  [['--exams', '99'], '--exams takes a whole number from 100 to 10000'],
  [['--slots', 'many'], "--slots takes a whole number from 2 to 300, not 'many'"],
  [['--nope'], "Unknown option '--nope'"],
  [['extra'], "Unexpected argument 'extra'"],
])('%j is refused in one sentence', async (args, message) => {
  const { code, out, error } = await run(...args)
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(error).toContain(`swarm: ${message}`)
  expect(error.trimEnd().split('\n')).toHaveLength(2)
  expect(existsSync(join(cwd, 'data'))).toBe(false)
})

test('the chart shows what is not nothing, and the largest of what does not fit side by side', () => {
  expect(drawChart([8, 4, 1, 0], 10, 2)).toEqual(['8 ┤█', '0 ┤██▂'])
  expect(drawChart([1, 1000, 1, 2, 3, 0], 3, 2)).toEqual(['1,000 ┤█', '    0 ┤█▁▁'])
})
