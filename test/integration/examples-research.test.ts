/** The research as a user runs it: every claim stands where the report says, whoever is killed meanwhile. */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { killWhen, startExample, writeFiles } from '../support/example.ts'
import type { Ended } from '../support/example.ts'
import { chatServer, ends, failure, says, stream } from '../support/models/chat-server.ts'

let cwd = ''
beforeEach(() => void (cwd = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-research-')))))
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(cwd, { recursive: true, force: true })
})

const start = (...args: readonly string[]) => startExample(cwd, '05-research', ...args)
const run = (...args: readonly string[]): Promise<Ended> => start(...args).end
const read = (path: string): string => (existsSync(join(cwd, path)) ? readFileSync(join(cwd, path), 'utf8') : '')
const membersIn = ({ out }: Pick<Ended, 'out'>): readonly string[] => [...out.matchAll(/^ {2}(reader|editor|chief) /gm)].map(([, member = '']) => member)

interface Cited {
  readonly text: string
  readonly place: string
  readonly link: string
  readonly line: number
}

const claimsIn = (report: string): readonly Cited[] => [...report.matchAll(/^- (.*) \[([^\]]+)\]\(([^)]+)#L(\d+)\)$/gm)].map(([, text = '', place = '', link = '', line]) => ({ text, place, link, line: Number(line) }))
/** A line as it is read, without Markdown. */
const plain = (line: string): string => line.replaceAll('**', '').replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')

const HOUSE = {
  'house/roof.md': '# The roof\n\nThe roof was mended in 1998.\nThe owners of the house pay for the roof, each by the size of the flat.\n\n```\nwho pays for the roof: nobody, this is code\n```\n',
  'house/cellar/bikes.txt': 'Bikes stand in the cellar, next to the door.\nWhoever has no bike pays nothing for the cellar.\n',
  'house/garden.md': 'The garden belongs to the ground floor, and is watered in the evening.\n',
}

const HOUSE_FILES = Object.keys(HOUSE)

describe('the research', () => {
  test('answers from the docs of this repository, by eight readers, two editors and a chief', async () => {
    const ended = await run()
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(membersIn(ended).toSorted((a, b) => a.localeCompare(b))).toEqual(['chief', 'editor', 'editor', ...Array.from({ length: 8 }, () => 'reader')])
    expect(membersIn(ended).at(-1)).toBe('chief')
    const claims = claimsIn(read('report.md'))
    expect(claims).toHaveLength(8)
    for (const { text, place, link, line } of claims) {
      expect(place.endsWith(`:${line}`)).toBe(true)
      const stands = readFileSync(join(cwd, link), 'utf8').split('\n')[line - 1] ?? ''
      expect(plain(stands), place).toContain(text)
    }
    // eslint-disable-next-line no-control-regex -- escape codes are what must not be there
    expect(ended.out).not.toMatch(/[\u001b\r]/)
  })

  test('finds the line that answers in a folder of the user, and says when there is none', async () => {
    writeFiles(cwd, HOUSE)
    expect(await run('Who pays for the roof?', '--folder', 'house')).toMatchObject({ code: 0, error: '' })
    const [first, ...others] = claimsIn(read('report.md'))
    expect(first).toMatchObject({ text: 'The owners of the house pay for the roof, each by the size of the flat.', link: 'house/roof.md', line: 4 })
    expect(others.every(({ text }) => !text.includes('code'))).toBe(true)
    const nothing = await run('zebra', '--folder', 'house', '--out', 'none.md')
    expect(nothing.out).toContain('The documents say nothing about it: none.md\n')
    // Another question is another study, and the answer to the first one is still there: until the documents change.
    expect(membersIn(await run('Who pays for the roof?', '--folder', 'house'))).toHaveLength(6)
    writeFiles(cwd, { 'house/roof.md': 'The town pays for the roof since 2024.\n' })
    await run('Who pays for the roof?', '--folder', 'house')
    expect(claimsIn(read('report.md'))[0]?.text).toBe('The town pays for the roof since 2024.')
  })

  test('killed again and again, it writes the same report', async () => {
    await run('--out', 'undisturbed.md')
    rmSync(join(cwd, 'data'), { recursive: true })
    const args = ['--pace', '250'] as const
    let told = 0
    for (const count of [1, 8, 10]) {
      const study = start(...args)
      const ended = await killWhen(study, 'SIGKILL', () => membersIn({ out: study.said() }).length >= count)
      expect(ended.signal, `after ${count}`).toBe('SIGKILL')
      expect(membersIn(ended).length).toBeGreaterThanOrEqual(told)
      told = membersIn(ended).length
    }
    const ended = await run(...args)
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(membersIn(ended)).toHaveLength(11)
    expect(read('report.md')).toBe(read('undisturbed.md'))
  })

  test('killed when its readers have ended, it asks no model again what it has answered', async () => {
    const found = { text: '- The house is in Lyon. [house.md:1]', citations: [{ source: 'house.md', line: 1, quote: 'in Lyon' }] }
    writeFiles(cwd, Object.fromEntries(['house', ...Array.from({ length: 7 }, (_, index) => `file-${index}`)].map(name => [`house/${name}.md`, 'The house is in Lyon.\n'])))
    await using server = await chatServer(stream([says(JSON.stringify(found)), ends('stop')]))
    vi.stubEnv('TROUPE_MODEL_URL', server.baseURL)
    vi.stubEnv('TROUPE_MODEL', 'tiny')
    const args = ['Where is the house?', '--folder', 'house', '--pace', '1000'] as const
    const study = start(...args)
    const { signal } = await killWhen(study, 'SIGKILL', () => membersIn({ out: study.said() }).length === 8)
    expect(signal).toBe('SIGKILL')
    expect(server.requests).toHaveLength(8)
    expect(await run(...args)).toMatchObject({ code: 0, error: '' })
    // Two editors and the chief.
    expect(server.requests).toHaveLength(11)
    expect(claimsIn(read('report.md'))).toEqual([{ text: 'The house is in Lyon.', place: 'house.md:1', link: 'house/house.md', line: 1 }])
  })

  test('a study that has failed is begun anew by the next start', async () => {
    writeFiles(cwd, HOUSE)
    const found = { text: '- It was mended. [roof.md:3]', citations: [{ source: 'roof.md', line: 3, quote: 'mended in 1998' }] }
    // One for each document.
    await using server = await chatServer(...HOUSE_FILES.map(() => failure(401, 'no such key')), stream([says(JSON.stringify(found)), ends('stop')]))
    vi.stubEnv('TROUPE_MODEL_URL', server.baseURL)
    vi.stubEnv('TROUPE_MODEL', 'tiny')
    const args = ['Was the roof mended?', '--folder', 'house'] as const
    expect(await run(...args)).toMatchObject({ code: 1, error: expect.stringMatching(/^research: .*nothing was found.*no such key/) })
    expect(read('report.md')).toBe('')
    expect(await run(...args)).toMatchObject({ code: 0, error: '' })
    expect(claimsIn(read('report.md'))).toHaveLength(1)
  })

  test('leaves out what does not stand where a model says', async () => {
    writeFiles(cwd, HOUSE)
    const invented = { text: '- The roof is old. [roof.md:3]\n- The moon pays. [roof.md:4]\n- Nobody says this.', citations: [{ source: 'roof.md', line: 3, quote: 'mended in 1998' }, { source: 'roof.md', line: 4, quote: 'The moon pays' }] }
    await using server = await chatServer(stream([says(JSON.stringify(invented)), ends('stop')]))
    vi.stubEnv('TROUPE_MODEL_URL', server.baseURL)
    vi.stubEnv('TROUPE_MODEL', 'tiny')
    const ended = await run('Who pays for the roof?', '--folder', 'house')
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(ended.out).toContain('1 claim, each with file and line: report.md (2 left out: they did not stand where they said)')
    expect(read('report.md')).toContain('- The roof is old. [roof.md:3](house/roof.md#L3)\n  > mended in 1998\n')
    expect(read('report.md')).not.toContain('moon')
  })

  test.each([
    [['--folder', 'nowhere'], 'there is no folder '],
    [['--folder', 'empty'], 'there are no .md or .txt files in '],
    [['--out', 'nowhere/report.md'], 'there is no folder '],
    [['--pace', 'slow'], '--pace takes milliseconds'],
    [['--nope'], "Unknown option '--nope'"],
  ])('%j is refused', async (args, message) => {
    writeFiles(cwd, { 'empty/picture.png': '' })
    expect(await run(...args)).toMatchObject({ code: 2, out: '', error: expect.stringContaining(`research: ${message}`) })
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})

test('the examples with models choose them by the same lines', () => {
  const lines = ['04-support-desk', '05-research', '07-pipeline'].map(example => readFileSync(join(import.meta.dirname, '../../examples', example, 'model.ts'), 'utf8'))
  expect(new Set(lines).size).toBe(1)
})
