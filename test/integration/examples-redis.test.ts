/** The review crew over worker processes on Redis: whoever is killed, the report is the same. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'
import { plantMany, startExample } from '../support/example.ts'
import type { Ended, ExampleProcess } from '../support/example.ts'
import { waitUntil } from '../support/processes.ts'
import { openTestRedis } from '../support/redis/open-test-redis.ts'
import { pickPort } from '../support/redis/pick-port.ts'
import type { TestRedis } from '../support/redis/open-test-redis.ts'

const SEED = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1_000_000)
const random = createSeededRandom(SEED)
const FILES = 48
const STEPS = ['scout', 'measure', 'inspect'] as const
/** Reviewers at work at the same time, by default. */
const REVIEWERS = 3 * 4
/** Of each file two specialists at once. */
const AT_WORK = 2 * REVIEWERS

let cwd = ''
let redis: TestRedis
beforeEach(async () => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-crew-')))
  redis = await openTestRedis()
})
afterEach(async () => {
  rmSync(cwd, { recursive: true, force: true })
  await redis.close()
})

const start = (...args: readonly string[]): ExampleProcess => startExample(cwd, '01-review-crew', 'code', '--yes', ...args)
const store = (): string => `${redis.url}?prefix=${redis.prefix}&partitions=64`
const startWorkers = (...args: readonly string[]): ExampleProcess => start('--store', store(), '--pace', '40', '--audit', 'audit', ...args)
const read = (path: string): string => (existsSync(join(cwd, path)) ? readFileSync(join(cwd, path), 'utf8') : '')
const audit = (): readonly string[] => read('audit').split('\n').filter(line => line !== '')
const attempts = (): readonly string[] => audit().filter(line => !line.startsWith('done '))

/** What the report is when nobody is killed and one process does it all. */
async function undisturbed(): Promise<string> {
  const { code, error } = await start('--store', 'memory:', '--out', 'undisturbed.md').end
  expect(error).toBe('')
  expect(code).toBe(0)
  return read('undisturbed.md')
}

/** Process ids of the workers, once the terminal shows them. */
async function pidsOf(process: ExampleProcess): Promise<readonly number[]> {
  const pids = (): readonly number[] => [.../^ +\d+ partitions: .*$/m.exec(process.said())?.[0].matchAll(/pid (\d+)/g) ?? []].map(([, pid]) => Number(pid))
  await waitUntil('the terminal shows who owns what', () => pids().length > 0, 60_000)
  return pids()
}

const filesBy = ({ out }: Ended): readonly number[] => [.../^ +Files reviewed by (.*)$/m.exec(out)?.[1]?.matchAll(/: (\d+)/g) ?? []].map(([, files]) => Number(files))
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('three workers share the files, and write the report that one process writes', async () => {
  plantMany(cwd, FILES)
  const expected = await undisturbed()
  const crew = startWorkers()
  const pids = await pidsOf(crew)
  const ended = await crew.end
  expect(ended.error).toBe('')
  expect(ended.code).toBe(0)
  expect(pids).toHaveLength(3)
  expect(ended.out).toMatch(new RegExp(`^Reviewing ${FILES} files in .*code, ${REVIEWERS} at a time$`, 'm'))
  const shares = filesBy(ended)
  expect(shares.every(files => files > 0)).toBe(true)
  expect(shares.reduce((sum, files) => sum + files, 0)).toBe(FILES)
  expect(read('report.md')).toBe(expected)
  // A partition that is handed over hands its tasks back.
  expect(attempts().length).toBeLessThanOrEqual(STEPS.length * FILES + AT_WORK)
  expect(pids.filter(isAlive)).toEqual([])
  // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
  expect(ended.out).not.toMatch(/[\u001b\r]/)
})

test.each([1, 2])('%i of three workers killed at any moment: the others finish the review, and the report is the same', async kills => {
  plantMany(cwd, FILES)
  const expected = await undisturbed()
  const crew = startWorkers()
  const pids = [...(await pidsOf(crew))]
  const moments = Array.from({ length: kills }, () => Math.floor(random.next() * 0.9 * STEPS.length * FILES)).toSorted((a, b) => a - b)
  const killed: string[] = []
  for (const moment of moments) {
    await waitUntil(`${moment} steps were begun`, () => attempts().length >= moment, 60_000)
    const [pid = 0] = pids.splice(Math.floor(random.next() * pids.length), 1)
    process.kill(pid, 'SIGKILL')
    killed.push(`${pid} at ${moment}`)
  }
  console.log(`examples-redis: seed ${SEED} (set TROUPE_SEED to run it again), killed ${killed.join(' and ')} of ${STEPS.length * FILES} steps`)
  const ended = await crew.end
  expect(ended.error).toBe('')
  expect(ended.code).toBe(0)
  expect(read('report.md')).toBe(expected)
  expect(ended.out.match(/^ +worker \d \(pid \d+\) has been killed \(SIGKILL\); its \d+ partitions? will go to the others$/gm)).toHaveLength(kills)
  // Late kills may leave nothing that waits for the others.
  if ((moments[0] ?? 0) < FILES) expect(ended.out).toMatch(/^ +worker \d's partitions are now with worker \d \(\d+\)/m)
  expect(filesBy(ended).reduce((sum, files) => sum + files, 0)).toBe(FILES)
  // Only what the killed had in hand is done again.
  expect(attempts().length).toBeLessThanOrEqual(STEPS.length * FILES + kills * AT_WORK)
})

test('all workers killed, the same command goes on, and no finished file is touched again', async () => {
  const files = plantMany(cwd, FILES)
  const expected = await undisturbed()
  const crew = startWorkers()
  for (const pid of await pidsOf(crew)) {
    await waitUntil('something was done', () => audit().some(line => line.startsWith('done ')), 60_000)
    process.kill(pid, 'SIGKILL')
  }
  const { code, error } = await crew.end
  expect(code).toBe(1)
  expect(error).toBe('review-crew: no worker is left\nRun again to try again.\n')
  const again = await startWorkers().end
  expect(again.code).toBe(0)
  expect(again.out).toMatch(/\d+ files? taken over from an earlier run/)
  expect(read('report.md')).toBe(expected)
  const log = audit()
  for (const path of files) {
    const finished = log.indexOf(`done ${path}`)
    if (finished >= 0) expect(log.slice(finished + 1).filter(line => line.endsWith(` ${path}`)), path).toEqual([])
  }
})

test('SIGTERM ends all of them gracefully, and it goes on; --fresh starts over', async () => {
  plantMany(cwd, FILES)
  const expected = await undisturbed()
  const crew = startWorkers()
  const pids = await pidsOf(crew)
  await waitUntil('something was done', () => audit().some(line => line.startsWith('done ')), 60_000)
  crew.kill('SIGTERM')
  const stopped = await crew.end
  expect(stopped.error).toBe('')
  expect(stopped.code).toBe(143)
  expect(stopped.out).toMatch(/Stopped after \d+ of 48 files\. Run again to go on\.\n$/)
  expect(pids.filter(isAlive)).toEqual([])
  expect((await startWorkers().end).out).toContain('taken over from an earlier run')
  expect(read('report.md')).toBe(expected)
  expect((await startWorkers('--workers', '1').end).out).toContain('Already done; use --fresh to start over')
  const before = attempts().length
  const fresh = await startWorkers('--fresh', '--workers', '2').end
  expect(fresh.code).toBe(0)
  expect(filesBy(fresh)).toHaveLength(2)
  expect(attempts().length).toBeGreaterThanOrEqual(before + STEPS.length * FILES)
  expect(read('report.md')).toBe(expected)
})

test('without a Redis it says what to do', async () => {
  plantMany(cwd, 1)
  const { code, out, error } = await start('--store', `redis://127.0.0.1:${pickPort()}`).end
  expect(code).toBe(75)
  expect(out).toBe('')
  expect(error).toMatch(/^review-crew: redis:\/\/127\.0\.0\.1:\d+ did not answer as it should: connect ECONNREFUSED.*\nIs there a Redis\? `apt install redis-server`.*\n$/)
})

test.each([
  [['--workers', '3'], '--workers needs a store that processes share'],
  [['--workers', '0', '--store', 'redis://127.0.0.1'], '--workers takes a whole number from 1 to 9'],
])('%j is refused in one sentence', async (args, message) => {
  plantMany(cwd, 1)
  const { code, error } = await start(...args).end
  expect(code).toBe(2)
  expect(error).toContain(`review-crew: ${message}`)
  expect(error.trimEnd().split('\n')).toHaveLength(2)
})
