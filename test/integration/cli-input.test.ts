/** What people and scripts do to a command line that it must take well. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli, cliCommand, linkPackages, startCli, writeProject } from '../support/cli.ts'
import type { Done, Running } from '../support/cli.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let cwd = ''
let server: Running

const run = (...args: readonly string[]): Promise<Done> => cli({ cwd }, ...args)
const quoted = (words: readonly string[]): string => words.map(word => `'${word}'`).join(' ')
const troupe = quoted(cliCommand)

/** Through a real shell. */
async function shell(script: string, env: NodeJS.ProcessEnv = {}): Promise<Done> {
  const child = spawn('bash', ['-c', script], { cwd, env: { ...process.env, NODE_OPTIONS: '', ...env } })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>])
  return { code, stdout, stderr }
}

beforeAll(async () => {
  cwd = await makeTempDir()
  writeProject(cwd)
  server = startCli({ cwd }, 'serve', '--port', '0')
  await server.until(/Serving/)
  await run('start', 'order', 'evil\u202egnp', '--input', JSON.stringify({ cents: 1, note: 'line\n\u001b[2J\u001b]0;title\u0007\u009b31m' }))
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(cwd, { recursive: true, force: true })
})

describe('usage errors are 64, and say what there is', () => {
  test.each([
    [['nope'], /unknown command 'nope'/],
    [['actor'], /Did you mean actors/],
    [['actors', '--machin', 'order'], /Did you mean --machine/],
    [['actors', '--limit', 'many'], /--limit <count>.*whole number/s],
    [['actors', '--status', 'tired'], /active, paused/],
    [['show'], /missing required argument 'address'/],
    [['send', 'order/1'], /--event/],
    [['send', 'order/1', 'PAY', '--event', '{}'], /--event/],
    [['replay', 'order/1'], /--from 3/],
    [['pause'], /--filter machine=order/],
    [['pause', '--filter', 'colour=red'], /machine, status, state/],
    [['ask', 'order/1', 'PAY', '--timeout', '5'], /500ms, 30s/],
    [['ask', 'order/1', 'PAY', '--until', 'noon'], /processed, reply or tag:NAME/],
    [['actors', '--url', 'ftp://x'], /http:\/\/127/],
    [['actors', '--url', 'http://localhost:1', '--store', 'memory:'], /either --url or --store/],
    [['completion', 'fish'], /bash and zsh/],
    [['init', 'x', '--template', 'nope'], /supervisor/],
  ])('%j', async (args, says) => {
    const { code, stdout, stderr } = await run(...args)
    expect(stderr).toMatch(says)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
  })
})

describe('JSON that is none says where', () => {
  test.each([
    ['{"type":', /Unexpected end of JSON input \(line 1 column 9\)/],
    ['{"type":"PAY",\n}', /line 2 column 1/],
    [`{type:'PAY'}`, /double quotes/],
    ['', /it is empty/],
    ['[]', /must be an object with a type/],
    ['{"type":7}', /must be an object with a type/],
    ['@missing.json', /missing\.json is not there/],
    ['@.', /is a folder, not a file/],
    ['@utf16.json', /UTF-16.*UTF-8/],
    ['@latin1.json', /is not UTF-8/],
  ])('%s', async (event, says) => {
    writeFileSync(join(cwd, 'utf16.json'), Buffer.from('\ufeff{"type":"PAY"}', 'utf16le'))
    writeFileSync(join(cwd, 'latin1.json'), Buffer.from([0x7b, 0xe9, 0x7d]))
    const { code, stdout, stderr } = await run('send', 'order/1', '--event', event)
    expect(stderr).toMatch(says)
    expect({ code, stdout }).toEqual({ code: 65, stdout: '' })
  })

  test('standard input, a file with a byte order mark and a pipe are read', async () => {
    writeFileSync(join(cwd, 'bom.json'), '\ufeff{"cents":3}')
    expect(await run('start', 'order', 'bom', '--input', '@bom.json')).toMatchObject({ code: 0 })
    expect(await cli({ cwd, input: '{"cents":4}' }, 'start', 'order', 'stdin', '--input', '-')).toMatchObject({ code: 0 })
    expect(await shell(`${troupe} start order pipe --input @<(echo '{"cents":5}')`)).toMatchObject({ code: 0 })
  })
})

describe('a config that cannot be used says which and why', () => {
  const check = async (file: string): Promise<string> => {
    const { code, stderr } = await run('machines', 'check', file)
    expect(code).toBe(1)
    return stderr
  }
  test('one that is missing, a folder, a pipe', async () => {
    expect(await check('nothing.js')).toMatch(/nothing\.js is not there/)
    expect(await check('node_modules')).toMatch(/is a folder/)
    execFileSync('mkfifo', [join(cwd, 'pipe.js')])
    expect(await check('pipe.js')).toMatch(/is not a file/)
  })
  test('one that is no program, without machines, with a machine that is none, with strange exports', async () => {
    writeFileSync(join(cwd, 'broken.js'), 'export const a = 1\nexport const = {\n')
    expect(await check('broken.js')).toMatch(/broken\.js cannot be loaded: .*broken\.js:2/)
    writeFileSync(join(cwd, 'utf16.js'), Buffer.from('\ufeffexport const machines = {}', 'utf16le'))
    expect(await check('utf16.js')).toMatch(/utf16\.js/)
    writeFileSync(join(cwd, 'default.js'), 'export default { machines: {} }\n')
    expect(await check('default.js')).toMatch(/export const machines.*in place of the default export/)
    writeFileSync(join(cwd, 'none.js'), 'export const machines = { order: 7 }\n')
    expect(await check('none.js')).toMatch(/order/)
    writeFileSync(join(cwd, 'stray.js'), 'export const machines = {}\nexport const machine = 1\n')
    expect(await check('stray.js')).toMatch(/'machine', which is no option/)
    writeFileSync(join(cwd, 'missing-import.js'), `import './not-there.js'\n`)
    expect(await check('missing-import.js')).toMatch(/not-there/)
  })
  test('the project passes', async () => {
    expect(await run('machines', 'check')).toMatchObject({ code: 0, stdout: '✔ order\n' })
  })
})

test('nothing that users wrote reaches the terminal raw, whatever shows it', async () => {
  for (const args of [['actors'], ['show', 'order/evil\u202egnp'], ['history', 'order/evil\u202egnp', '--full'], ['show', 'order/\u001b[31mred'], ['send', 'order/1', '--event', '{"\u001b[2J']]) {
    const { stdout, stderr } = await cli({ cwd, env: { FORCE_COLOR: '1' } }, ...args)
    // oxlint-disable-next-line no-control-regex -- they are what it is about
    const rest = (stdout + stderr).replaceAll(/\u001b\[\d+m/g, '')
    // oxlint-disable-next-line no-control-regex -- they are what it is about
    expect(rest, args.join(' ')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
  }
})

test('colours are for terminals, NO_COLOR and FORCE_COLOR are honoured', async () => {
  const isPainted = async (env: NodeJS.ProcessEnv) => (await cli({ cwd, env }, 'actors')).stdout.includes('\u001b[')
  expect(await isPainted({})).toBe(false)
  expect(await isPainted({ FORCE_COLOR: '1' })).toBe(true)
  expect(await isPainted({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true)
  const seen = await shell(`NO_COLOR=1 script -qec "${troupe.replaceAll('"', '\\"')} actors" /dev/null`)
  expect(seen.stdout).toContain('order/')
  expect(seen.stdout).not.toContain('\u001b[32m')
})

test('a reader that goes away ends it quietly; output that cannot be written is told', async () => {
  const many = await shell(`${troupe} actors | head -1; echo "\${PIPESTATUS[0]}"; ${troupe} --help | head -0; echo "\${PIPESTATUS[0]}"`)
  expect(many.stdout).toMatch(/^ADDRESS.*\n0\n0\n$/)
  expect(many.stderr).toBe('')
  const full = await shell(`${troupe} actors > /dev/full`)
  expect(full).toMatchObject({ code: 74 })
  expect(full.stderr).toMatch(/the output cannot be written: .*no space/i)
})

test('ctrl-c ends a watch with 130, and says nothing', async () => {
  await using watcher = startCli({ cwd }, 'watch', 'order/evil\u202egnp', '--from', '0')
  await watcher.until(/start/)
  watcher.signal('SIGINT')
  expect(await watcher.ended).toBe(130)
  expect(watcher.stderr()).toBe('')
})

test('a slip in the name of a store makes no store', async () => {
  expect(await run('actors', '--store', 'sqlite:./dta/app.db')).toMatchObject({ code: 65 })
  expect(existsSync(join(cwd, 'dta'))).toBe(false)
})

test('without server and store it says what to do', async () => {
  const empty = join(cwd, 'empty')
  mkdirSync(empty)
  const { code, stderr } = await cli({ cwd: empty }, 'actors')
  expect(stderr).toMatch(/troupe dev.*--url.*--store/s)
  expect(code).toBe(65)
  expect(readdirSync(empty)).toEqual([])
  linkPackages(empty)
  expect((await cli({ cwd: empty }, 'dev')).stderr).toMatch(/troupe init/)
})

test('keys are shown once, listed without, and revoked', async () => {
  const made = await run('keys', 'create', 'ci', '--role', 'operator')
  expect(made.stdout).toMatch(/^tr_[\w-]{43}\n$/)
  await using guarded = startCli({ cwd: join(cwd, 'empty') }, 'serve', '--config', '../troupe.config.js', '--store', 'sqlite:./guarded.db', '--keys', '../keys.json', '--port', '0')
  const [, url = ''] = await guarded.until(/Serving (http:\S+)/)
  expect(await run('actors', '--url', url)).toMatchObject({ code: 77, stdout: '' })
  expect(await cli({ cwd, env: { TROUPE_KEY: made.stdout.trim() } }, 'start', 'order', '1', '--url', url)).toMatchObject({ code: 0 })
  expect(await run('webhooks', 'create', 'https://example.com/', '--url', url, '--key', made.stdout.trim())).toMatchObject({ code: 77 })
  expect(JSON.parse((await run('keys', 'list', '--json')).stdout)).toMatchObject({ keys: [{ name: 'ci', role: 'operator', revokedAt: null }] })
  expect(await run('keys', 'revoke', 'ci')).toMatchObject({ code: 0 })
  expect((await run('keys', 'list')).stdout).toContain('revoked')
})
