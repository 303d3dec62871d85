/** Each template: scaffolded, checked, its own test run, and served. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, linkPackages } from '../support/cli.ts'
import { makeTempDir } from '../support/temp-dir.ts'

const ROOT = join(import.meta.dirname, '../..')
const templates = readdirSync(join(ROOT, 'templates'))
const patterns = readdirSync(join(ROOT, 'docs/patterns')).map(file => file.replace('.md', ''))

let cwd = ''
beforeAll(async () => (cwd = await makeTempDir()))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

test('there is a template for each pattern, and two plain ones', () => {
  expect(templates.toSorted()).toEqual([...patterns, 'machine', 'agent'].toSorted())
})

test.each(templates)('a project from %s passes its own test, and its first command works', async name => {
  const folder = join(cwd, name)
  expect(await cli({ cwd }, 'init', name, '--template', name)).toMatchObject({ code: 0 })
  linkPackages(folder)
  const node = (...args: readonly string[]): string => execFileSync(process.execPath, ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined } })
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: { test: string } }
  expect(node(...scripts.test.replace('node ', '').split(' '))).toMatch(/pass 1/)
  expect((await cli({ cwd: folder }, 'machines', 'check')).code).toBe(0)
  const { start } = JSON.parse(readFileSync(join(ROOT, 'templates', name, 'template.json'), 'utf8')) as { start: { machine: string; key: string; input?: unknown } }
  expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`npx troupe start ${start.machine} ${start.key}`)
  execFileSync('mkdir', ['-p', join(folder, 'data')])
  writeFileSync(join(folder, 'data/app.db'), '')
  const started = await cli({ cwd: folder }, 'start', start.machine, start.key, ...(start.input === undefined ? [] : ['--input', JSON.stringify(start.input)]), '--store', 'sqlite:./data/app.db', '--json')
  expect(started).toMatchObject({ code: 0, stdout: `${JSON.stringify({ address: `${start.machine}/${start.key}` })}\n` })
})

test('a folder that is not empty is left as it is; one with a repository only is used', async () => {
  const [full, fresh] = [join(cwd, 'full'), join(cwd, 'My New Crew!')]
  mkdirSync(full)
  writeFileSync(join(full, 'notes.txt'), 'mine')
  const { code, stderr } = await cli({ cwd }, 'init', 'full')
  expect(stderr).toMatch(/is not empty \(notes\.txt\)/)
  expect(code).toBe(64)
  expect(existsSync(join(full, 'package.json'))).toBe(false)
  mkdirSync(join(fresh, '.git'), { recursive: true })
  expect(JSON.parse((await cli({ cwd: fresh }, 'init', '.', '--json')).stdout)).toMatchObject({ name: 'my-new-crew', template: 'agent' })
})
