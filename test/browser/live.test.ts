import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInspected } from '../support/browser/inspected.ts'
import type { Inspected } from '../support/browser/inspected.ts'
import { openBrowser } from '../support/browser/open-browser.ts'

const ON_SCREEN_MS = 200
/** A page that does not answer for longer feels frozen. */
const FROZEN_MS = 500
const GROWTH_BYTES_MAX = 12e6

let inspected: Inspected
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [inspected, browser] = await Promise.all([startInspected(), openBrowser()])
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await inspected.close()
})

/** Turns wheels so many times a second, evenly, for so long. */
async function turn(addresses: readonly string[], perSecond: number, seconds: number): Promise<void> {
  const started = performance.now()
  const sent: Promise<unknown>[] = []
  for (let count = 0; count < perSecond * seconds; ) {
    const due = Math.min(Math.floor(((performance.now() - started) / 1_000) * perSecond), perSecond * seconds)
    for (; count < due; count++) sent.push(inspected.client.sendEvent({ address: addresses[count % addresses.length] ?? '', event: { type: 'turn' } }))
    await new Promise(resolve => setTimeout(resolve, 4))
  }
  await Promise.all(sent)
}

async function startWheels(names: readonly string[]): Promise<readonly string[]> {
  for (const key of names) await inspected.client.startActor({ machine: 'wheel', key })
  return names.map(key => `wheel/${key}`)
}

/** What the page goes through: times at which steps came into sight, frames, and tasks that blocked it. */
async function observe(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: (readonly [seq: number, at: number])[] = []
    const watch = { seen, longest: 0, frames: 0 }
    Object.assign(globalThis, { watch })
    new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) watch.longest = Math.max(watch.longest, duration)
    }).observe({ type: 'longtask' })
    const look = (): void => {
      watch.frames++
      const seq = Number(/step (\d+)/.exec(document.querySelector('.time-place')?.textContent ?? '')?.[1])
      if (seq && seen.at(-1)?.[0] !== seq) seen.push([seq, Date.now()])
      requestAnimationFrame(look)
    }
    look()
  })
}

interface Watch {
  readonly seen: readonly (readonly [seq: number, at: number])[]
  readonly longest: number
  readonly frames: number
}

const observed = (page: Page): Promise<Watch> => page.evaluate('watch')

/** What the page holds when all it does not need is gone. The collection stops the page, which is not the page's own doing. */
async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  await page.evaluate('requestAnimationFrame(() => requestAnimationFrame(() => { watch.longest = 0 }))')
  return usedSize
}

test('at 50 changes a second each is on the screen within 200 ms of its step', async () => {
  const wheels = await startWheels(['quick'])
  const { page, close } = await browser.open(`${inspected.url}/actors/wheel/quick`)
  await page.locator('.state-box.is-active').first().waitFor()
  await observe(page)
  await turn(wheels, 50, 6)
  await expect.poll(async () => (await observed(page)).seen.at(-1)?.[0]).toBe(301)
  const { seen } = await observed(page)
  const { steps } = await inspected.client.history({ address: 'wheel/quick', from: 1, limit: 300 })
  const delays = steps.map(({ seq, at }) => (seen.find(([shown]) => shown >= seq)?.[1] ?? Infinity) - at).toSorted((a, b) => a - b)
  const share = (part: number): number => delays[Math.floor(delays.length * part)] ?? Infinity
  console.log(`on screen after: median ${share(0.5)} ms, p95 ${share(0.95)} ms, longest ${delays.at(-1)} ms`)
  expect(share(0.95)).toBeLessThan(ON_SCREEN_MS)
  await close()
})

test('1,000 events a second of many actors do not freeze the list', async () => {
  const wheels = await startWheels(Array.from({ length: 50 }, (_, index) => `many-${index}`))
  const { page, faults, close } = await browser.open(`${inspected.url}/actors?machine=wheel`)
  await page.getByRole('link', { name: 'wheel/many-49' }).waitFor()
  await observe(page)
  await turn(wheels, 1_000, 2)
  const before = await heapBytes(page)
  const turning = turn(wheels, 1_000, 6)
  await page.getByLabel('Search by key').fill('many-1', { timeout: 5_000 })
  await expect.poll(() => page.locator('.actor-rows [role=row]').count()).toBe(11)
  await turning
  const { longest, frames } = await observed(page)
  const growth = (await heapBytes(page)) - before
  console.log(`longest task ${Math.round(longest)} ms, ${frames} frames, heap grew by ${Math.round(growth / 1e3)} kB`)
  expect(longest).toBeLessThan(FROZEN_MS)
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
  expect(faults).toEqual([])
  await close()
})

test('1,000 events a second of one actor do not freeze its page, nor fill its memory', async () => {
  const wheels = await startWheels(['hot'])
  const { page, faults, close } = await browser.open(`${inspected.url}/actors/wheel/hot`)
  await page.locator('.state-box.is-active').first().waitFor()
  await observe(page)
  await turn(wheels, 1_000, 4)
  const before = await heapBytes(page)
  const turning = turn(wheels, 1_000, 6)
  await page.getByRole('tab', { name: 'Context' }).click({ timeout: 5_000 })
  await page.getByText('turns:').waitFor({ timeout: 5_000 })
  await turning
  await expect.poll(async () => (await observed(page)).seen.at(-1)?.[0]).toBe(10_001)
  const { longest, frames } = await observed(page)
  const growth = (await heapBytes(page)) - before
  console.log(`longest task ${Math.round(longest)} ms, ${frames} frames, heap grew by ${Math.round(growth / 1e3)} kB`)
  expect(longest).toBeLessThan(FROZEN_MS)
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX)
  expect(faults).toEqual([])
  await close()
})

test('a server that is gone is told, and found again when it is back', async () => {
  await startWheels(['lasting'])
  const { page, close } = await browser.open(`${inspected.url}/actors/wheel/lasting`)
  await page.locator('.state-box.is-active').first().waitFor()
  await page.getByText('Connected').waitFor()
  await page.context().setOffline(true)
  await page.getByText('Server unreachable').waitFor()
  await page.context().setOffline(false)
  await page.getByText('Connected').waitFor()
  await close()
})
