import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { guardLoop, STRETCH_MS_MAX } from '../support/loop-guard.ts'

const cpuMs = (): number => process.threadCpuUsage().user / 1_000 + process.threadCpuUsage().system / 1_000

/** Takes so much CPU time at a stretch. */
function stall(ms: number): void {
  const until = cpuMs() + ms
  while (cpuMs() < until);
}

test('the guard of the event loop sees a stall of 300 ms, once', async () => {
  using guard = guardLoop()
  await turn()
  stall(300)
  await turn()
  expect(guard.longestMs()).toBeGreaterThanOrEqual(300)
  await turn()
  expect(guard.longestMs()).toBeLessThan(STRETCH_MS_MAX)
})

test('the guard of the event loop lets much work pass that is done in turns, and time in which there is none', async () => {
  using guard = guardLoop()
  const until = performance.now() + 300
  while (performance.now() < until) {
    stall(5)
    await turn()
  }
  await new Promise(resolve => setTimeout(resolve, 250))
  expect(guard.longestMs()).toBeLessThan(STRETCH_MS_MAX)
})
