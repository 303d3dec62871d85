import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { format } from 'node:util'
import { afterAll, expect, test, vi } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Inside the package, so that the examples import it by its name. */
const FOLDER = join(ROOT, `tmp/docs-examples-${process.pid}`)
/** A program, and right after it what it prints, if anything. */
const PROGRAM = /```ts\n(import [^]*?)\n```(?:\n\n```text\n([^]*?)\n```)?/g

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

const pages = globSync(['docs/{agents,models,patterns}.md', 'docs/{machines,patterns}/*.md'], { cwd: ROOT }).flatMap(page => {
  const programs = readFileSync(join(ROOT, page), 'utf8').matchAll(PROGRAM)
  return [...programs].map(([, code = '', printed = ''], index) => ({ page, number: index + 1, code, printed }))
})

test.each(pages)('program $number of $page prints what the page says', async ({ page, number, code, printed }) => {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => void lines.push(format(...values)))
  const file = join(FOLDER, `${basename(page)}-${number}.ts`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, code)
  await import(file)
  expect(lines.join('\n')).toBe(printed)
})

test('the patterns that give out a task have an example each', () => {
  const names = ['debate', 'loop-until', 'map-reduce', 'parallel', 'pipeline', 'router', 'vote']
  expect(pages.map(({ page }) => page)).toEqual(expect.arrayContaining(['docs/patterns.md', ...names.map(name => `docs/patterns/${name}.md`)]))
})
