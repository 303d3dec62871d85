/** `troupe dev`: changes, crashes and the end, each followed by going on from the store. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cli, cliCommand, startCli, writeProject } from '../support/cli.ts'
import { waitUntil } from '../support/processes.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { hasTerminals, openTerminal } from '../support/terminal.ts'

let cwd = ''

beforeEach(async () => {
  cwd = await makeTempDir()
  writeProject(cwd)
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

const show = async (address: string): Promise<{ value?: string; states?: string[] }> => {
  const { code, stdout } = await cli({ cwd }, 'show', address, '--json')
  return code === 0 ? (JSON.parse(stdout) as { value: string }) : {}
}

test('a change restarts the machines, and a durable actor goes on in its state with the new code', async () => {
  await using dev = startCli({ cwd }, 'dev', '--json')
  await dev.until(/"start":1/)
  await cli({ cwd }, 'start', 'order', '1', '--input', '{"cents":9}')
  const source = readFileSync(join(cwd, 'machines.js'), 'utf8')
  writeFileSync(join(cwd, 'machines.js'), source.replace(`'receipt '`, `'new receipt '`))
  await dev.until(/"restart":"machines\.js has changed"/)
  await dev.until(/"start":2/)
  await cli({ cwd }, 'send', 'order/1', 'PAY')
  await waitUntil('the new code has charged', async () => JSON.stringify(await show('order/1')).includes('new receipt 9'))
})

test('a change that breaks them is told, and the next one mends it', async () => {
  await using dev = startCli({ cwd }, 'dev')
  await dev.until(/Machines +order/)
  await cli({ cwd }, 'start', 'order', '1')
  appendFileSync(join(cwd, 'machines.js'), '\nexport const = {')
  await dev.until(/cannot be loaded[^\n]*machines\.js[^]*Waiting for a change/)
  writeFileSync(join(cwd, 'machines.js'), readFileSync(join(cwd, 'machines.js'), 'utf8').replace('\nexport const = {', ''))
  await dev.until(/ready again/)
  expect((await show('order/1')).value).toBe('waiting')
})

test('after kill -9 of the machines another process goes on at once', async () => {
  await using dev = startCli({ cwd }, 'dev', '--json')
  const [, pid = ''] = await dev.until(/"pid":(\d+),"start":1/)
  await cli({ cwd }, 'start', 'order', '1', '--input', '{"cents":9}')
  process.kill(Number(pid), 'SIGKILL')
  await dev.until(/another goes on from the store/)
  await dev.until(/"start":2/)
  await cli({ cwd }, 'send', 'order/1', 'PAY')
  await waitUntil('it is paid', async () => (await show('order/1')).value === 'paid')
})

test('machines that end again and again are started no more until something changes', async () => {
  appendFileSync(join(cwd, 'machines.js'), '\nprocess.exit(7)\n')
  await using dev = startCli({ cwd }, 'dev')
  await dev.until(/\(exit code 7\); a change or r starts it again/)
  expect(dev.stderr().match(/another goes on/g)).toHaveLength(2)
  writeFileSync(join(cwd, 'machines.js'), readFileSync(join(cwd, 'machines.js'), 'utf8').replace('process.exit(7)', ''))
  await dev.until(/Machines +order/)
})

test('at ctrl-c the machines end too, and the folder says that nobody serves it', async () => {
  await using dev = startCli({ cwd }, 'dev', '--json')
  const [, pid = ''] = await dev.until(/"pid":(\d+),"start":1/)
  const { pid: announced } = JSON.parse(readFileSync(join(cwd, '.troupe/server.json'), 'utf8')) as { pid: number }
  expect(announced).toBe(Number(pid))
  expect((await cli({ cwd }, 'dev')).stderr).toMatch(/runs already/)
  dev.signal('SIGINT')
  expect(await dev.ended).toBe(0)
  expect(() => process.kill(Number(pid), 0)).toThrow(/ESRCH/)
  expect((await cli({ cwd }, 'actors')).stderr).toMatch(/nothing to talk to/)
})

test('machines whose watcher is killed end by themselves', async () => {
  await using dev = startCli({ cwd }, 'dev', '--json')
  const [, pid = ''] = await dev.until(/"pid":(\d+),"start":1/)
  dev.signal('SIGKILL')
  await dev.ended
  await waitUntil('the machines have ended', () => {
    try {
      return !process.kill(Number(pid), 0)
    } catch {
      return true
    }
  })
})

test.skipIf(!hasTerminals)('at a terminal r restarts and q ends', async () => {
  await using terminal = openTerminal({ cwd, columns: 100 }, ...cliCommand, 'dev')
  await terminal.until(/r restarts, q ends/)
  terminal.type('r')
  await terminal.until(/ready again/)
  terminal.type('q')
  expect(await terminal.ended).toBe(0)
})
