import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { format } from 'node:util'
import { afterAll, expect, test, vi } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Inside the package, so that the examples import it by its name. */
const FOLDER = join(ROOT, `tmp/docs-examples-${process.pid}`)
/** Code, and right after it what it prints. */
const EXAMPLE = /```ts\n([^]*?)\n```\n\n```text\n([^]*?)\n```/

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

const pages = globSync(['docs/patterns.md', 'docs/{machines,patterns}/*.md'], { cwd: ROOT }).flatMap(page => {
  const [, code, printed] = EXAMPLE.exec(readFileSync(join(ROOT, page), 'utf8')) ?? []
  return code === undefined ? [] : [{ page, code, printed }]
})

test.each(pages)('the example of $page prints what the page says', async ({ page, code, printed }) => {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void lines.push(format(...values)))
  const file = join(FOLDER, `${basename(page)}.ts`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, code)
  await import(file)
  expect(lines.join('\n')).toBe(printed)
})

test('the patterns that give out a task have an example each', () => {
  const names = ['debate', 'loop-until', 'map-reduce', 'parallel', 'pipeline', 'router', 'vote']
  expect(pages.map(({ page }) => page)).toEqual(expect.arrayContaining(['docs/patterns.md', ...names.map(name => `docs/patterns/${name}.md`)]))
})
