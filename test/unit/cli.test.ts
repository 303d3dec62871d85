import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProgram, rows } from '../../src/cli/program.ts'
import { duration, ranges } from '../../src/cli/output/format.ts'
import { tableLines } from '../../src/cli/output/table.ts'
import { clean, cutStyled, shown, widthOf } from '../../src/cli/output/text.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')

describe('docs/cli.md', () => {
  test('has each command as its help tells of it, and no other', () => {
    const written = page.split('\n').filter(line => line.startsWith('| `troupe '))
    expect(written).toEqual(rows.map(({ usage, summary }) => `| \`troupe ${usage}\` | ${summary} |`))
  })

  test('names no option that there is not', () => {
    const known = new Set(['--help', '--json', '--url', '--key', '--store', '--config', '--global', ...rows.flatMap(({ options = [] }) => options.flatMap(([flags]) => flags.match(/--[\w-]+/g) ?? []))])
    expect((page.match(/(?<=[ `])--[a-z][\w-]*/g) ?? []).filter(flag => !known.has(flag))).toEqual([])
  })
})

describe('commands', () => {
  test('all have help, and their examples are calls of theirs with options that they have', async () => {
    const calls: string[] = []
    for (const { usage, examples = [], options = [] } of rows) {
      for (const example of examples) {
        calls.push(example)
        expect(example).toContain(`troupe ${usage.split(/ [<[]/)[0]}`)
        const flags = new Set([...options.flatMap(([all]) => all.match(/--[\w-]+/g) ?? []), '--json', '--url', '--store', '--config'])
        for (const flag of example.match(/(?<= )--[\w-]+/g) ?? []) expect(flags, example).toContain(flag)
      }
    }
    expect(calls.length).toBeGreaterThan(20)
    const help = createProgram('1.2.3', () => Promise.resolve()).helpInformation()
    for (const name of new Set(rows.map(({ usage }) => usage.split(' ')[0] ?? ''))) expect(help).toContain(`\n  ${name}`)
  })

  test.each(rows.map(row => [row.usage, row] as const))('the code of %s is there', async (_, row) => {
    expect(await row.load()).toBeTypeOf('function')
  })
})

describe('text', () => {
  test('nothing that moves the cursor or hides is left of it', () => {
    expect(clean('a\nb\r\t\u001b[31m\u0007\u009b\u202e\u2066x')).toBe('a\\nb\\r\\t\\e[31m\\u0007\\u009b\\u202e\\u2066x')
  })

  test.each([['abc', 3], ['日本', 4], ['é', 1], ['e\u0301', 1], ['👩‍👩‍👧', 2], ['…', 1]])('%s takes %i columns', (text, width) => expect(widthOf(text)).toBe(width))

  test('a table is never wider than the terminal as long as its columns can give, and wide letters are not cut in half', () => {
    const rowsOf = [{ name: 'short', note: 'x'.repeat(200) }, { name: '日本語'.repeat(30), note: 'y' }]
    for (let width = 14; width < 120; width++) {
      const lines = tableLines(rowsOf, [{ head: 'NAME', cell: ({ name }) => name }, { head: 'NOTE', cell: ({ note }) => note }], width, shown)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
    }
  })

  test('styles stay whole where text is cut', () => {
    expect(cutStyled('\u001b[31mred\u001b[39m and \u001b[1mbold\u001b[22m', 6)).toBe('\u001b[31mred\u001b[39m a…\u001b[1m\u001b[22m')
  })

  test('times and ranges are short', () => {
    expect([duration(250), duration(61_000), duration(90_000_000)]).toEqual(['250 ms', '1 min', '1 d'])
    expect([ranges([3, 1, 2, 7]), ranges([])]).toEqual(['1-3,7', '–'])
  })
})
