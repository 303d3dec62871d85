/** The examples as a user runs them: real processes, real files, real kills. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { killWhen, plantMany, startExample, writeFiles } from '../support/example.ts'
import type { Ended } from '../support/example.ts'

/** Where the examples run, and where they put their data. */
let cwd = ''

beforeEach(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-examples-')))
})

afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const start = (example: string, ...args: readonly string[]) => startExample(cwd, example, ...args)
const run = (example: string, ...args: readonly string[]): Promise<Ended> => start(example, ...args).end
const review = (...args: readonly string[]): Promise<Ended> => run('01-review-crew', 'code', '--yes', ...args)

const write = (files: Readonly<Record<string, string>>): void => writeFiles(cwd, files)
const read = (path: string): string => (existsSync(join(cwd, path)) ? readFileSync(join(cwd, path), 'utf8') : '')
const findings = (report: string): readonly string[] => report.split('\n').flatMap(line => /^- `(.+:\d+)` \*\*(.+)\*\*/.exec(line)?.slice(1, 3).join(' ') ?? [])
const lines = (count: number, line: (index: number) => string): string => Array.from({ length: count }, (_, index) => line(index)).join('\n')

/** A folder whose every finding is known. */
function plant(): readonly string[] {
  const shared = lines(12, index => `  total += price(${index}) * rate(${index})`)
  write({
    'code/main.ts': `import { used } from './a.ts'\nimport { tax } from './lib/tax.js'\n\nconsole.log(used, tax())\n`,
    'code/a.ts': `export const used = 1\nexport const unused = 2\n// TODO(ann) is owned\n// TODO is not\nconst text = 'TODO FIXME console.log() catch {}'\nvoid text\n`,
    'code/lib/tax.ts': `export function tax() {\n  let total = 0\n${shared}\n  return total\n}\n`,
    'code/lib/fee.mjs': `function fee() {\n  let sum = 1\n${shared}\n  return sum\n}\nfee()\n`,
    'code/promise.ts': `async function save() {}\nawait save()\nvoid save()\nif (true) {\n  save()\n}\ntry {\n  await save()\n} catch {}\n`,
    'code/long.js': `function long() {\n${lines(70, index => `  step(${index})`)}\n}\nlong()\n`,
    'code/deep.cjs': `if (a) {\n  for (;;) {\n    while (b) {\n      try {\n        if (c) {\n          d()\n        }\n      } finally {\n        e()\n      }\n    }\n  }\n}\n`,
    'code/broken.ts': `const a = 'never ends\n// FIXME this\n`,
    'code/docs.ts': '/**\n * @param gone is not there\n */\nfunction read(path) {}\nread()\n',
    'code/main.test.ts': "test.only('used', () => check())\n",
    'code/wide.ts': `// ${'x'.repeat(250)}\n`,
    'code/node_modules/x/index.js': 'console.log(1)\n',
    'code/types.d.ts': 'export declare const nobody: 1\n',
    'code/read.me': 'TODO\n',
  })
  return [
    'a.ts:2 unused-export', 'a.ts:4 todo-owner', 'deep.cjs:5 deep-nesting', 'docs.ts:2 stale-param', 'lib/tax.ts:3 duplicated-block', 'long.js:1 long-function',
    'main.test.ts:1 focused-test', 'main.ts:4 console-log', 'promise.ts:5 floating-promise', 'promise.ts:9 empty-catch', 'wide.ts:1 long-line',
  ]
}

describe('the review crew', () => {
  test('finds what is there, at its line, and nothing else', async () => {
    const planted = plant()
    const { code, out, error } = await review()
    expect(error).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(/^Reviewing 11 files in .*code, 4 at a time\n/)
    expect(out).toContain('11 files')
    expect(out).toContain(`Report: ${join(cwd, 'report.md')}\n`)
    expect(findings(read('report.md'))).toEqual(planted)
  })

  test('killed again and again, it does no finished file twice and writes the same report', async () => {
    const files = plantMany(cwd, 24)
    await review('--store', 'memory:', '--out', 'undisturbed.md')
    expect(findings(read('undisturbed.md'))).toHaveLength(24)

    const args = ['--pace', '40', '--concurrency', '3', '--audit', 'audit'] as const
    const audit = (): readonly string[] => read('audit').split('\n').filter(line => line !== '')
    const doneFiles = (): readonly string[] => audit().filter(line => line.startsWith('done '))
    // From before anything is done to when most is.
    const killPoints = [() => audit().length >= 1, ...[1, 3, 7, 12, 17].map(count => () => doneFiles().length >= count)]
    for (const isTime of killPoints) {
      const { signal } = await killWhen(start('01-review-crew', 'code', '--yes', ...args), 'SIGKILL', isTime)
      expect(signal).toBe('SIGKILL')
    }
    const known = doneFiles().length
    const { code, out } = await review(...args)
    expect(code).toBe(0)
    expect(Number(/(\d+) files? taken over from an earlier run/.exec(out)?.[1])).toBeGreaterThanOrEqual(known)

    expect(read('report.md')).toBe(read('undisturbed.md'))
    const log = audit()
    for (const path of files) {
      const finished = log.indexOf(`done ${path}`)
      if (finished >= 0) expect(log.slice(finished + 1).filter(line => line.endsWith(` ${path}`)), path).toEqual([])
      for (const step of ['scout', 'measure', 'inspect']) expect(log.filter(line => line === `${step} ${path}`).length, `${step} ${path}`).toBeGreaterThan(0)
    }
    // Only what three reviewers had in hand when the process died is done again: of each file two specialists at once.
    const attempts = log.filter(line => !line.startsWith('done '))
    expect(attempts.length).toBeLessThanOrEqual(3 * files.length + 2 * 3 * killPoints.length)
  })

  test('tasks that fail on purpose are tried again, and change nothing', async () => {
    plantMany(cwd, 12)
    await review('--out', 'undisturbed.md', '--store', 'memory:')
    const { code, out } = await review('--flaky')
    expect(code).toBe(0)
    expect(out).toMatch(/\d+ attempts tried again/)
    expect(read('report.md')).toBe(read('undisturbed.md'))
  })

  test.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('%s ends it gracefully, and it goes on', async (signal, exitCode) => {
    plantMany(cwd, 20)
    const args = ['--pace', '60', '--audit', 'audit'] as const
    const { code, out, error } = await killWhen(start('01-review-crew', 'code', '--yes', ...args), signal, () => read('audit').includes('done '))
    expect(error).toBe('')
    expect(code).toBe(exitCode)
    const stopped = /Stopped after (\d+) of 20 files\. Run again to go on\.\n$/.exec(out)
    expect(Number(stopped?.[1])).toBeGreaterThan(0)
    expect(existsSync(join(cwd, 'report.md'))).toBe(false)
    expect(readdirSync(join(cwd, 'data')).filter(name => name.endsWith('.alive'))).toEqual([])
    const again = await review(...args)
    expect(again.code).toBe(0)
    // What was just being handed in when it was told to stop is kept too.
    expect(Number(/(\d+) files? taken over/.exec(again.out)?.[1])).toBeGreaterThanOrEqual(Number(stopped?.[1]))
  })

  test('a finished run is not done again, unless --fresh', async () => {
    const planted = plant()
    await review('--audit', 'audit')
    const audit = read('audit')
    const again = await review('--audit', 'audit')
    expect(again.code).toBe(0)
    expect(again.out).toContain('Already done; use --fresh to start over')
    expect(read('audit')).toBe(audit)

    write({ 'code/new.ts': '// TODO new\n' })
    const fresh = await review('--audit', 'audit', '--fresh')
    expect(fresh.code).toBe(0)
    expect(fresh.out).not.toContain('taken over')
    expect(findings(read('report.md'))).toEqual([...planted, 'new.ts:1 todo-owner'].toSorted())
    expect(read('audit').split('\n').length).toBeGreaterThan(2 * audit.split('\n').length - 1)
  })

  test('two folders are two runs', async () => {
    plant()
    write({ 'other/a.ts': '// TODO other\n' })
    await review()
    const other = await run('01-review-crew', 'other', '--yes', '--out', 'other.md')
    expect(other.code).toBe(0)
    expect(findings(read('other.md'))).toEqual(['a.ts:1 todo-owner'])
  })

  test('at the deadline it reports what is done', async () => {
    plantMany(cwd, 30)
    const { code, out } = await review('--deadline', '1', '--pace', '150', '--concurrency', '2')
    expect(code).toBe(0)
    const [, unreviewed] = /(\d+) files? not reviewed: the deadline came first/.exec(out) ?? []
    expect(Number(unreviewed)).toBeGreaterThan(0)
    expect(read('report.md')).toContain('## Not reviewed: the deadline came first\n\n- `f')
    expect(Number(unreviewed) + findings(read('report.md')).length).toBe(30)
  })

  test('a file that is gone does not hold up the others', async () => {
    plantMany(cwd, 12)
    const process = start('01-review-crew', 'code', '--yes', '--pace', '30', '--concurrency', '1', '--audit', 'audit')
    while (!read('audit').includes('scout f00.ts')) await sleep(5)
    rmSync(join(cwd, 'code/f11.ts'))
    const { code, out } = await process.end
    expect(code).toBe(0)
    expect(out).toContain('1 file could not be reviewed')
    expect(read('report.md')).toMatch(/## Not reviewed: the review failed\n\n- `f11.ts`: 'scout' is failed: ENOENT/)
  })

  test('a report that cannot be written is written by the next start', async () => {
    plant()
    const { code, error } = await review('--out', 'missing/report.md', '--audit', 'audit')
    expect(code).toBe(1)
    expect(error).toMatch(/^review-crew: .*missing\/report\.md.*\nRun again to try again\.\n$/)
    const audit = read('audit')
    const again = await review('--audit', 'audit')
    expect(again.code).toBe(0)
    expect(again.out).toContain('11 files taken over')
    expect(read('audit')).toBe(audit)
    expect(findings(read('report.md'))).toHaveLength(11)
  })

  test('without a terminal it prints a few plain lines', async () => {
    plantMany(cwd, 60)
    const { out } = await review()
    expect(out.split('\n').length).toBeLessThan(20)
    // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
    expect(out).not.toMatch(/[\u001b\r]/)
  })

  test('it goes on when nobody reads what it prints', async () => {
    plantMany(cwd, 40)
    const process = start('01-review-crew', 'code', '--yes', '--pace', '5')
    process.stopReading()
    const { code, error } = await process.end
    expect(error).toBe('')
    expect(code).toBe(0)
    expect(findings(read('report.md'))).toHaveLength(40)
  })

  test.each([
    [['--nope'], "Unknown option '--nope'"],
    [['--concurrency', '0'], '--concurrency takes a whole number from 1 to 100'],
    [['--concurrency', 'many'], '--concurrency takes a whole number'],
    [['--deadline'], "'--deadline <value>' argument missing"],
    [['--deadline', '-1'], "'--deadline"],
    [['nowhere'], 'there is no folder'],
    [['file.ts'], 'is not a folder'],
    [['code', 'other'], 'one folder at a time'],
  ])('%j is refused in one sentence', async (args, message) => {
    write({ 'file.ts': '', 'code/a.ts': '' })
    const { code, out, error } = await run('01-review-crew', ...args)
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(error).toContain(`review-crew: `)
    expect(error).toContain(message)
    expect(error.trimEnd().split('\n')).toHaveLength(2)
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })

  test('a store it cannot use is refused, and --fresh deletes no file of others', async () => {
    write({ 'code/a.ts': 'a()\n', 'precious.db': 'not a database '.repeat(100) })
    const unknown = await review('--store', 'mysql:x')
    expect(unknown.code).toBe(65)
    expect(unknown.error).toMatch(/^review-crew: store 'mysql:x' is not known/)
    const precious = await review('--store', 'sqlite:./precious.db', '--fresh')
    expect(precious.code).not.toBe(0)
    expect(read('precious.db')).toBe('not a database '.repeat(100))
  })

  test('an empty folder is told, and reviewed once there is something in it', async () => {
    mkdirSync(join(cwd, 'code'))
    for (let time = 0; time < 2; time++) {
      const { code, error } = await review()
      expect(code).toBe(1)
      expect(error).toContain('has no TypeScript or JavaScript files to review')
    }
    // Enough for the coordinator's checkpoint to be written anew after a restart.
    plantMany(cwd, 40)
    expect((await review()).code).toBe(0)
    expect(findings(read('report.md'))).toHaveLength(40)
  })

  test('--help tells the options', async () => {
    const { code, out } = await run('01-review-crew', '--help')
    expect(code).toBe(0)
    for (const option of ['--yes', 'TROUPE_MODEL_URL', '--concurrency', '--deadline', '--out', '--fresh', '--flaky', '--pace', '--store', '--audit']) expect(out).toContain(option)
  })
})

test('hello answers, and says the same when it is run again', async () => {
  const out = 'done: Take a light jacket: it is sunny and 18 °C. (2 model calls, 1 tool call)\n'
  for (let time = 0; time < 2; time++) expect(await run('02-hello')).toEqual({ code: 0, signal: null, error: '', out })
})

test('the countdown counts on after a kill', async () => {
  const first = start('02-hello/countdown.ts')
  const killed = await killWhen(first, 'SIGKILL', () => first.said().includes('8\n'))
  expect(killed.signal).toBe('SIGKILL')
  const { code, out, error } = await run('02-hello/countdown.ts')
  expect(error).toBe('')
  expect(code).toBe(0)
  const said = Number(killed.out.trimEnd().split('\n').at(-1))
  const numbers = out.split('\n').slice(0, -2).map(Number)
  // What was just being said may be said again: tasks run at least once.
  expect([said, said - 1]).toContain(numbers[0])
  expect(numbers).toEqual(Array.from({ length: numbers[0] ?? 0 }, (_, index) => (numbers[0] ?? 0) - index))
  expect(out.endsWith('\n1\nLift-off!\n')).toBe(true)
})

test('order tells three stories, twice over', async () => {
  for (let round = 0; round < 2; round++) {
    const { code, out, error } = await run('03-order')
    expect(error).toBe('')
    expect(code).toBe(0)
    expect(out).toContain('lamp   cart → reserving → unpaid → charging → shipping → shipped\n')
    expect(out).toContain('→ shipping → refunding → releasing → cancelled (it does not fit into the van)\n')
    expect(out).toContain('chair  cart → reserving → unpaid → releasing → cancelled (nobody paid in time)\n')
    expect(out).toContain('what was done: reserve, charge, refund, release\n')
  }
})
