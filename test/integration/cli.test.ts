/** Commands against a real server in a process of its own. */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operations } from '../../src/core/client/client.ts'
import { cli, startCli, writeProject } from '../support/cli.ts'
import type { Done, Running } from '../support/cli.ts'
import { waitUntil } from '../support/processes.ts'
import { makeTempDir } from '../support/temp-dir.ts'

let cwd = ''
let server: Running
let url = ''

const run = (...args: readonly string[]): Promise<Done> => cli({ cwd }, ...args)
const json = async (...args: readonly string[]): Promise<never> => {
  const { code, stdout, stderr } = await run(...args, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as never
}
const lines = (text: string): readonly Record<string, unknown>[] => text.trim().split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Record<string, unknown>)

beforeAll(async () => {
  cwd = await makeTempDir()
  writeProject(cwd)
  server = startCli({ cwd }, 'serve', '--port', '0')
  url = (await server.until(/Serving (http:\S+)/))[1] ?? ''
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(cwd, { recursive: true, force: true })
})

test('the server of a folder is found by the other commands, and takes back its word at the end', async () => {
  expect((await run('actors')).code).toBe(0)
  expect(existsSync(join(cwd, '.troupe/server.json'))).toBe(true)
})

test('an order is started, paid, shown, shipped and forked, each answer in the shape of its operation', async () => {
  expect(await json('start', 'order', '1', '--input', '{"cents":5}')).toEqual({ address: 'order/1' })
  expect(await json('start', 'order', '1', '--input', '{"cents":5}')).toEqual({ address: 'order/1' })
  expect(await json('send', 'order/1', 'PAY')).toEqual({ accepted: true })
  await waitUntil('the order is paid', async () => ((await json('show', 'order/1')) as { value: string }).value === 'paid')
  const { events, ...snapshot } = (await json('show', 'order/1')) as Record<string, unknown> & { events: { type: string; legal: boolean }[] }
  operations.snapshot.output.parse(snapshot)
  operations.listEvents.output.parse({ events })
  expect(events.filter(({ legal }) => legal).map(({ type }) => type)).toEqual(['SHIP'])
  const asked = operations.askActor.output.parse(await json('ask', 'order/1', '--event', '{"type":"SHIP"}'))
  expect(asked).toMatchObject({ status: 'done', output: 'receipt 5' })
  const steps = lines((await run('history', 'order/1', '--json')).stdout)
  expect(steps.map(({ event }) => (event as { type?: string } | undefined)?.type).filter(Boolean)).toEqual(['PAY', 'task.done', 'SHIP'])
  expect(await json('fork', 'order/1', '--at', '1', '--as', 'again')).toEqual({ address: 'order/again', from: 'order/1', seq: 1 })
})

test('a replay that is frozen shows the past and changes nothing; a live one goes on in a new actor', async () => {
  await json('start', 'order', 'past', '--input', '{"cents":7}')
  await json('send', 'order/past', 'PAY')
  await waitUntil('it is paid', async () => ((await json('show', 'order/past')) as { value: string }).value === 'paid')
  const frozen = (await json('replay', 'order/past', '--from', '1', '--mode', 'freeze')) as { value: string; seq: number; lastSeq: number; events: { type: string; legal: boolean }[] }
  expect(frozen).toMatchObject({ value: 'waiting', seq: 1 })
  expect(frozen.events.filter(({ legal }) => legal).map(({ type }) => type).toSorted()).toEqual(['BREAK', 'PAY'])
  expect(((await json('show', 'order/past')) as { seq: number }).seq).toBe(frozen.lastSeq)
  expect(await json('replay', 'order/past', '--from', '1', '--mode', 'live', '--as', 'past-again')).toMatchObject({ address: 'order/past-again' })
  expect(await json('ask', 'order/past-again', 'PAY')).toMatchObject({ address: 'order/past-again' })
})

test('lists and tallies have the shapes of their operations; with --all each actor is a line', async () => {
  await json('start', 'order', 'listed')
  operations.listActors.output.parse(await json('actors', '--machine', 'order', '--status', 'active'))
  operations.tallyActors.output.parse(await json('actors', '--tally'))
  expect(lines((await run('actors', '--all', '--text', 'listed', '--json')).stdout)).toMatchObject([{ address: 'order/listed' }])
  operations.listMachines.output.parse(await json('machines', 'list'))
  operations.machine.output.parse(await json('machines', 'show', 'order'))
  operations.cluster.output.parse(await json('cluster'))
  operations.queues.output.parse(await json('queues'))
  operations.workers.output.parse(await json('workers'))
  operations.stuck.output.parse(await json('stuck'))
  operations.listAgents.output.parse(await json('agents'))
  operations.listPatterns.output.parse(await json('patterns', 'list'))
  operations.listApprovals.output.parse(await json('approvals'))
  operations.listWebhooks.output.parse(await json('webhooks', 'list'))
  expect((await run('machines', 'diagram', 'order', '--format', 'mermaid')).stdout).toMatch(/^stateDiagram-v2\n/)
})

test('what poisons an actor is listed, replayed with another event, or discarded', async () => {
  await json('start', 'order', 'poisoned')
  await run('send', 'order/poisoned', 'BREAK')
  await run('send', 'order/poisoned', '--event', '{"type":"BREAK","again":true}')
  const letters = async () => operations.listDeadLetters.output.parse(await json('dlq', 'list', '--address', 'order/poisoned')).letters
  await waitUntil('both letters', async () => (await letters()).length === 2)
  const [first, second] = (await letters()).map(({ id }) => id)
  expect((await run('dlq', 'list')).stdout).toContain('broken on purpose')
  operations.deadLetter.output.parse(await json('dlq', 'show', first ?? ''))
  expect(await json('dlq', 'replay', first ?? '', '--event', '{"type":"PAY"}')).toMatchObject({ id: first, state: 'replayed' })
  expect(await json('dlq', 'discard', second ?? '', '--reason', 'a test')).toMatchObject({ state: 'discarded', reason: 'a test' })
})

test('many actors are counted first, and nothing is done without a yes', async () => {
  for (const key of ['bulk-1', 'bulk-2']) await json('start', 'order', key)
  const filter = ['--filter', 'machine=order', '--filter', 'text=bulk-']
  expect(await json('pause', ...filter, '--dry-run')).toMatchObject({ matched: 2, done: 0 })
  expect(await run('pause', ...filter)).toMatchObject({ code: 64, stdout: '' })
  expect(await json('pause', ...filter, '--yes')).toMatchObject({ matched: 2, done: 2, failed: [] })
  expect(((await json('show', 'order/bulk-1')) as { status: string }).status).toBe('paused')
  expect((await run('resume', 'order/bulk-1', 'order/bulk-2')).stdout).toBe('Resumed order/bulk-1\nResumed order/bulk-2\n')
  expect(await run('stop', 'order/bulk-1', 'order/nobody')).toMatchObject({ code: 1, stdout: 'Stopped order/bulk-1\n' })
})

test('an actor is watched to its end, and the logs of its run are told from the beginning', async () => {
  await json('start', 'order', 'watched', '--input', '{"cents":1}')
  await using watcher = startCli({ cwd }, 'watch', 'order/watched', '--from', '0', '--json')
  await watcher.until(/"kind":"start"/)
  await json('send', 'order/watched', 'PAY')
  await watcher.until(/"value":"paid"/)
  await json('send', 'order/watched', 'SHIP')
  expect(await watcher.ended).toBe(0)
  const told = lines(watcher.stdout()).map(({ step }) => (step as { seq: number }).seq)
  expect(told).toEqual(told.map((_, index) => index + 1))
  const logs = lines((await run('logs', 'stream', 'order/watched', '--json')).stdout)
  expect(logs.map(({ step }) => (step as { seq: number }).seq)).toEqual(told)
  expect(await run('logs', 'stream', 'order/watched', '--node', 'nobody')).toMatchObject({ code: 66 })
})

test('a store is read beside the process that runs it, which keeps its partitions', async () => {
  await json('start', 'order', 'beside')
  const before = (await json('cluster')) as { partitions: { node: string; epoch: number }[] }
  const store = ['--store', 'sqlite:./data/app.db']
  expect(((await json('show', 'order/beside', ...store)) as { value: string }).value).toBe('waiting')
  expect(await json('send', 'order/beside', 'PAY', ...store)).toEqual({ accepted: true })
  await waitUntil('the running process has taken it', async () => ((await json('show', 'order/beside')) as { value: string }).value === 'paid')
  const after = (await json('cluster')) as typeof before
  expect(after.partitions.map(({ node, epoch }) => [node, epoch])).toEqual(before.partitions.map(({ node, epoch }) => [node, epoch]))
})

test('exit codes are those of the errors, and errors are JSON where JSON was asked for', async () => {
  expect(await run('show', 'order/nobody')).toMatchObject({ code: 66, stdout: '' })
  expect((await run('start', 'order', 'two\nlines')).code).toBe(65)
  expect((await run('start', 'nothing')).code).toBe(66)
  expect((await run('actors', '--url', 'http://127.0.0.1:1')).code).toBe(75)
  const { stderr } = await run('show', 'order/nobody', '--json')
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'actor/unknown' } })
})

test('thousands are listed page after page, with progress beside the list', async () => {
  const seed = join(cwd, 'seed.mjs')
  writeFileSync(seed, `
import { createClient } from 'troupe/client'
const client = createClient({ url: process.argv[2] })
for (let from = 0; from < 1200; from += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => client.startActor({ machine: 'order', key: 'many-' + (from + n) })))
`)
  execFileSync(process.execPath, ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', seed, url], { cwd, env: { ...process.env, NODE_OPTIONS: '' } })
  const { code, stdout, stderr } = await run('actors', '--all', '--text', 'many-')
  expect(code).toBe(0)
  expect(stdout.trim().split('\n')).toHaveLength(1_201)
  expect(stderr).toMatch(/^Reading actors 1000\/1200\nReading actors 1200\/1200\n$/)
})

test('doctor finds the server in order', async () => {
  const { code, stdout } = await run('doctor', '--url', url, '--json')
  const { findings } = JSON.parse(stdout) as { findings: { check: string; verdict: string }[] }
  expect(findings.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['Node', 'SQLite', 'XState', 'XState hooks', 'open files', 'clock', 'CPUs', 'config', 'store', 'durability', 'server', 'versions', 'time skew']))
  expect(code).toBe(0)
})
