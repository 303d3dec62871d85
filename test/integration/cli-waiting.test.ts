import { tmpdir } from 'node:os'
import { createRuntime } from 'troupe'
import { createServer } from 'troupe/server'
import { expect, onTestFinished, test } from 'vitest'
import { startCli } from '../support/cli.ts'
import { counter } from '../support/counter.ts'

test.each([['watch', /"counter\/seen"/], ['top', /"rates":/]])('%s says that it waits for a server that is gone, and goes on when it is back', async (command, beginning) => {
  await using runtime = await createRuntime({ machines: { counter }, store: 'memory:' })
  let server = await createServer({ runtime, port: 0, ui: false })
  const { url } = server
  await using watcher = startCli({ cwd: tmpdir() }, command, '--url', url, '--json')
  await runtime.client().startActor({ machine: 'counter', key: 'seen' })
  const timer = setInterval(() => void runtime.actor('counter', 'seen').send({ type: 'ADD' }), 100)
  onTestFinished(() => clearInterval(timer))
  await watcher.until(beginning)
  await server.close()
  await watcher.until(/does not answer; waiting for it \(ctrl-c ends\)/)
  const told = watcher.stdout().length
  server = await createServer({ runtime, port: Number(new URL(url).port), ui: false })
  await expect.poll(() => watcher.stdout().length, { timeout: 60_000 }).toBeGreaterThan(told)
  expect(watcher.stderr().match(/does not answer/g)).toHaveLength(1)
  clearInterval(timer)
  watcher.signal('SIGINT')
  await watcher.ended
  await server.close()
})
