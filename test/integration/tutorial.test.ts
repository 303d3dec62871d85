/** docs/tutorial.md, followed word by word in an empty folder, with the packed package. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '../support/processes.ts'
import { makeTempDir } from '../support/temp-dir.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/tutorial.md'), 'utf8')

interface Block {
  readonly commands: string
  /** Lines that the commands must have shown. */
  readonly shows: readonly string[]
}

/** Commands, each with the text block that follows it, if one does. */
const blocks = (text: string): readonly Block[] =>
  [...text.matchAll(/```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?/gs)].map(([, commands = '', shown = '']) => ({ commands, shows: shown.split('\n').filter(line => line !== '') }))

/** Removed at the end. */
let top = ''
/** Where the reader of the page is. */
let folder = ''
let dev: ChildProcess | undefined
let told = ''

/** Free of the repository's own conditions and npm settings. */
const env = (): NodeJS.ProcessEnv => Object.fromEntries(Object.entries(process.env).filter(([name]) => !['NODE_OPTIONS', 'NODE_TEST_CONTEXT', 'TROUPE_KEY'].includes(name) && !name.startsWith('VITEST') && !/^npm_(?:config_local|lifecycle|package)/i.test(name)))

beforeAll(async () => {
  top = folder = await makeTempDir()
  // `prepack` builds dist first.
  execFileSync('npm', ['pack', ROOT, '--silent', '--pack-destination', folder], { cwd: folder, env: env(), stdio: 'ignore' })
}, 600_000)

afterAll(async () => {
  if (dev?.pid !== undefined && dev.exitCode === null) {
    process.kill(-dev.pid, 'SIGTERM')
    await once(dev, 'close')
  }
  rmSync(top, { recursive: true, force: true })
})

/** Runs a block in a shell of its own that goes on in the folder where the one before has ended; gives back what was shown. */
function runBlock(commands: string): string {
  const output = execFileSync('bash', ['-euc', `${commands}\npwd > "$WHERE"`], { cwd: folder, env: { ...env(), WHERE: join(folder, '.where') }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const where = readFileSync(join(folder, '.where'), 'utf8').trim()
  rmSync(join(folder, '.where'))
  folder = where
  return output
}

function startDev(commands: string): void {
  // A group of its own, so that npm and what it has started end together.
  dev = spawn('bash', ['-c', commands], { cwd: folder, env: env(), detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [dev.stdout, dev.stderr]) stream?.setEncoding('utf8').on('data', (data: string) => (told += data))
}

test('every command works as it stands, and shows what the page says', async () => {
  for (const { commands, shows } of blocks(page)) {
    let output = ''
    if (commands.trim() === 'npm run dev') {
      startDev(commands)
      await waitUntil(`troupe dev is ready: ${told}`, () => told.includes('Machines'), 60_000)
      output = told
    } else {
      output = runBlock(commands)
      if (commands.includes('kill -9')) await waitUntil('another process goes on', () => told.includes('ready again'), 60_000)
    }
    for (const line of shows) expect(output, commands).toContain(line)
  }
}, 600_000)

test('the page has the steps that a newcomer needs', () => {
  const all = blocks(page).map(({ commands }) => commands).join('')
  for (const step of ['troupe init', 'npm test', 'npm run dev', 'troupe start', 'kill -9', 'troupe approve', 'troupe replay']) expect(all).toContain(step)
})
