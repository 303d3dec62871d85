/** The pipeline as a user runs it: a question in words, a chart in a file, and who stands in for whom. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { killWhen, startExample } from '../support/example.ts'
import type { Ended } from '../support/example.ts'

let cwd = ''
beforeEach(() => void (cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-pipeline-')))))
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const start = (...args: readonly string[]) => startExample(cwd, '07-pipeline', ...args)
const run = (...args: readonly string[]): Promise<Ended> => start(...args).end
const read = (path: string): string => (existsSync(join(cwd, path)) ? readFileSync(join(cwd, path), 'utf8') : '')
/** What came of the stages: `data fallback`. */
const told = ({ out }: Ended): readonly string[] => [...out.matchAll(/^ {2}(nlp|data|viz) +(\w+)/gm)].map(([, stage, what]) => `${stage} ${what}`).filter(line => !line.endsWith('healthy'))

/** The sums that the file has, worked out by other means. */
const sum = (file: string, fits: (row: readonly string[]) => boolean): number => readFileSync(join(import.meta.dirname, '../../examples/07-pipeline', file), 'utf8').trimEnd().split('\n').slice(1).map(line => line.split(',')).filter(fits).reduce((total, row) => total + Number(row[4]), 0)
const figure = (value: number): string => value.toLocaleString('en-US')

/** Every element is closed, in its order, and nothing stands there that has to be escaped. */
function expectWellFormed(svg: string): void {
  const open: string[] = []
  for (const [, close, name = '', , self] of svg.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>/g)) {
    if (close) expect(open.pop()).toBe(name)
    else if (!self) open.push(name)
  }
  expect(open).toEqual([])
  expect(svg.replaceAll(/<\/?[a-z]+(?: [a-zA-Z0-9-]+="[^"<]*")*\/?>/g, '').replaceAll(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/)
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
}

describe('the pipeline', () => {
  test('answers a question with the sums of the file, as bars', async () => {
    const ended = await run('Which region earned the most in 2025, <really> & "truly"?')
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(told(ended)).toEqual(['nlp done', 'data done', 'viz done'])
    const svg = read('chart.svg')
    expectWellFormed(svg)
    expect(svg.match(/<rect /g)).toHaveLength(1 + 4)
    for (const region of ['north', 'east', 'south', 'west']) {
      const total = figure(sum('sales.csv', ([month = '', name]) => month.startsWith('2025') && name === region))
      expect(svg).toContain(`>${total}</text>`)
      expect(ended.out).toMatch(new RegExp(`^ {2}${region} +${total} +█+$`, 'm'))
    }
  })

  test('draws a line over the months when it is asked nothing else', async () => {
    const ended = await run('--out', 'line.svg')
    expect(ended).toMatchObject({ code: 0, error: '' })
    const svg = read('line.svg')
    expectWellFormed(svg)
    expect(svg.match(/<circle /g)).toHaveLength(12)
    expect(svg).toContain(`<title>2025-12: ${figure(sum('sales.csv', ([month]) => month === '2025-12'))}</title>`)
    // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
    expect(ended.out).not.toMatch(/[\u001b\r]/)
  })

  test.each([
    ['nlp', ['nlp fallback', 'data done', 'viz done'], 'chart.svg', 'sales.csv', 55_663],
    ['data', ['nlp done', 'data fallback', 'viz done'], 'chart.svg', 'sales-backup.csv', 43_937],
    ['viz', ['nlp done', 'data done', 'viz fallback'], 'chart.txt', 'sales.csv', 55_663],
  ])('when %s breaks, another stands in for it', async (stage, expected, file, source, last) => {
    const ended = await run('--break', stage)
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(told(ended)).toEqual(expected)
    expect(ended.out).toMatch(new RegExp(`${stage} +fallback +\\d attempts`))
    expect(ended.out).toContain(`rows from ${source}`)
    expect(ended.out.trimEnd().split('\n').at(-1)).toContain(figure(last))
    expect(read(file)).not.toBe('')
  })

  test('killed in every stage, it goes on with that one and draws the same', async () => {
    await run('--out', 'undisturbed.svg')
    const args = ['--pace', '300', '--out', 'chart.svg'] as const
    for (const stage of ['viz +healthy', 'nlp +done', 'data +done']) {
      const report = start(...args)
      const { signal } = await killWhen(report, 'SIGKILL', () => new RegExp(`^ {2}${stage}`, 'm').test(report.said()))
      expect(signal, stage).toBe('SIGKILL')
    }
    expect(read('chart.svg')).toBe('')
    const ended = await run(...args)
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(told(ended)).toEqual(['nlp done', 'data done', 'viz done'])
    expect(read('chart.svg')).toBe(read('undisturbed.svg'))
  })

  test('takes any CSV, quoted values and all', async () => {
    writeFileSync(join(cwd, 'towns.csv'), 'town,country,people\r\n"Paris, Texas",US,24171\r\nParis,FR,2102650\r\nLyon,FR,522250\r\n')
    const ended = await run('people by town', '--csv', 'towns.csv')
    expect(ended.code).toBe(0)
    expect(ended.out).toMatch(/Paris {9}2,102,650 .*\n {2}Lyon .*\n {2}Paris, Texas +24,171/)
    expectWellFormed(read('chart.svg'))
  })

  test.each([
    ['hello', [], "'nlp' is failed: the question names no measure (units, revenue); ask for example"],
    ['revenue by product in 2031', [], 'no rows fit the question'],
    ['revenue by month', ['--csv', 'none.csv'], "not healthy, so no stage has begun: 'data.health' is failed: ENOENT"],
    ['revenue by month', ['--csv', 'broken.csv'], 'broken.csv, line 3: 1 values for 2 columns'],
    ['revenue by month', ['--out', 'nowhere/chart.svg'], "'viz.health' is failed: ENOENT"],
  ])('"%s" %j fails and says why', async (question, args, reason) => {
    writeFileSync(join(cwd, 'broken.csv'), 'month,revenue\n2025-01,3\n2025-02\n')
    expect(await run(question, ...args)).toMatchObject({ code: 1, error: expect.stringContaining(reason) })
    expect(read('chart.svg')).toBe('')
  })

  test.each([
    [['--break', 'me'], "--break takes nlp, data, viz, not 'me'"],
    [['--out', 'chart.png'], '--out takes a file that ends in .svg'],
    [['--pace', 'slow'], '--pace takes milliseconds'],
    [['--nope'], "Unknown option '--nope'"],
  ])('%j is refused', async (args, message) => {
    expect(await run(...args)).toMatchObject({ code: 2, out: '', error: expect.stringContaining(`pipeline: ${message}`) })
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})
