import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
/** Inside the package, so that the program imports it by its name. */
const FOLDER = join(ROOT, `tmp/docs-api-${process.pid}`)
const DOCUMENTED = 'http://127.0.0.1:4747'

const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')
const program = /```ts\n([^]*?)\n```/.exec(page)?.[1] ?? ''
/** Commands, and right after them what they print. */
const sessions = [...page.matchAll(/```bash\n([^]*?)\n```\n\n```json\n([^]*?)\n```/g)].map(([, commands = '', printed = '']) => ({ commands, printed }))

let server: ChildProcess
let url = ''
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'purse.ts'), program.replace('port: 4747', 'port: 0'))
  server = spawn(process.execPath, ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', join(FOLDER, 'purse.ts')], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of server.stdout ?? []) {
    url = String(line).trim()
    break
  }
})
afterAll(() => {
  server.kill()
  rmSync(FOLDER, { recursive: true, force: true })
})

test('the page has commands', () => expect(sessions.length).toBeGreaterThan(4))

// In the order of the page: later commands look at what earlier ones have done.
test.each(sessions)('$commands', async ({ commands, printed }) => {
  const { stdout } = await promisify(execFile)('bash', ['-c', commands.replaceAll(DOCUMENTED, url)])
  expect(stdout.trim()).toBe(printed)
})
