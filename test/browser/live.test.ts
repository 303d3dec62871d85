import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInspected } from '../support/browser/inspected.ts'
import type { Inspected } from '../support/browser/inspected.ts'
import { openBrowser } from '../support/browser/open-browser.ts'
import { startWheels, turnWheels } from '../support/browser/turn-wheels.ts'
import { watchPage } from '../support/browser/watch-page.ts'

// What must hold on the busiest machine. How soon, how smoothly and in how much memory tells `npm run bench -- inspector-live`.

/** Of events; a fifth of what a page takes on a machine of its own. */
const FLOOD_PER_S = 200
const PATIENCE_MS = 50_000
/** Longer than anything that is waited for. */
const FLOOD_S = 60

let inspected: Inspected
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [inspected, browser] = await Promise.all([startInspected(), openBrowser()])
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await inspected.close()
})

async function openActor(key: string) {
  await startWheels(inspected, [key])
  const opened = await browser.open(`${inspected.url}/actors/wheel/${key}`)
  await opened.page.locator('.state-box.is-active').first().waitFor()
  return opened
}

const shownStep = (page: Page, seq: number): Promise<void> => expect.poll(() => page.locator('.time-place').textContent(), { timeout: PATIENCE_MS }).toContain(`step ${seq}`)

test('what changes 50 times a second comes on the screen in the order of its steps, up to the last', async () => {
  const { page, faults, close } = await openActor('quick')
  const watched = await watchPage(page)
  await turnWheels(inspected, ['wheel/quick'], 50, 2)
  await shownStep(page, 101)
  const seen = (await watched()).seen.map(([seq]) => seq)
  expect(seen.length).toBeGreaterThan(2)
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(faults).toEqual([])
  await close()
})

test('the list answers a search while events keep coming to its actors', async () => {
  const wheels = await startWheels(inspected, Array.from({ length: 50 }, (_, index) => `many-${index}`))
  const { page, faults, close } = await browser.open(`${inspected.url}/actors?machine=wheel`)
  await page.getByRole('link', { name: 'wheel/many-49' }).waitFor()
  const answered = new AbortController()
  const turning = turnWheels(inspected, wheels, FLOOD_PER_S, FLOOD_S, answered.signal)
  await page.getByLabel('Search by key').fill('many-1')
  await expect.poll(() => page.locator('.actor-rows [role=row]').count(), { timeout: PATIENCE_MS }).toBe(11)
  answered.abort()
  expect(await turning).toBeLessThan(FLOOD_PER_S * FLOOD_S)
  expect(faults).toEqual([])
  await close()
})

test('the page of one actor answers while events keep coming to it, and shows the last', async () => {
  const { page, faults, close } = await openActor('hot')
  const turned = await turnWheels(inspected, ['wheel/hot'], FLOOD_PER_S, 2)
  const answered = new AbortController()
  const turning = turnWheels(inspected, ['wheel/hot'], FLOOD_PER_S, FLOOD_S, answered.signal)
  await page.getByRole('tab', { name: 'Context' }).click({ timeout: PATIENCE_MS })
  await page.getByText('turns:').waitFor({ timeout: PATIENCE_MS })
  answered.abort()
  const last = turned + (await turning)
  expect(last).toBeLessThan(FLOOD_PER_S * FLOOD_S)
  await shownStep(page, last + 1)
  expect(faults).toEqual([])
  await close()
})

test('a server that is gone is told, and found again when it is back', async () => {
  const { page, close } = await openActor('lasting')
  await page.getByText('Connected').waitFor()
  await page.context().setOffline(true)
  await page.getByText('Server unreachable').waitFor()
  await page.context().setOffline(false)
  await page.getByText('Connected').waitFor()
  await close()
})
