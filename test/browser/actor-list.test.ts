import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInspected } from '../support/browser/inspected.ts'
import type { Inspected } from '../support/browser/inspected.ts'
import { openBrowser } from '../support/browser/open-browser.ts'

const ACTORS = 10_000
let inspected: Inspected
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [inspected, browser] = await Promise.all([startInspected(), openBrowser()])
  const { client } = inspected
  const keys = Array.from({ length: ACTORS }, (_, index) => `w-${String(index).padStart(5, '0')}`)
  for (let from = 0; from < keys.length; from += 500) await Promise.all(keys.slice(from, from + 500).map(key => client.startActor({ machine: 'wheel', key })))
  for (const key of ['p-1', 'p-2']) await client.startActor({ machine: 'parcel', key, input: { to: 'Ada' } })
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await inspected.close()
})

const open = (path = '/actors') => browser.open(`${inspected.url}${path}`)
const rows = (page: Page) => page.locator('.actor-rows [role=row]')

test('of 10,000 actors only those in sight exist, and scrolling reads on', async () => {
  const { page, faults, close } = await open()
  await expect.poll(() => page.title()).toContain('(10002) Actors')
  await rows(page).first().waitFor()
  expect(await rows(page).count()).toBeLessThan(60)
  const scroller = page.locator('.actor-rows')
  const shown = async (): Promise<number> => Number((await page.locator('.actor-foot').innerText()).split(' ')[0]?.replaceAll(',', ''))
  const before = await shown()
  // Again and again: what has come may not be drawn yet, and then this is no way down.
  const scrolled = async (): Promise<number> => (await scroller.evaluate(element => element.scrollTo(0, element.scrollHeight)), shown())
  await expect.poll(scrolled).toBeGreaterThan(before + 11 * 200)
  expect(await rows(page).count()).toBeLessThan(60)
  expect(faults).toEqual([])
  await close()
})

test('filters stand in the address, so that a link shows what was seen; views keep them', async () => {
  const { page, close } = await open()
  await page.getByLabel('Machine').selectOption('parcel')
  await expect.poll(() => rows(page).count()).toBe(2)
  expect(new URL(page.url()).searchParams.get('machine')).toBe('parcel')
  await page.getByRole('button', { name: 'Save this view' }).click()
  await page.getByLabel('Name').fill('Parcels')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'All', exact: true }).click()
  await expect.poll(() => rows(page).count()).toBeGreaterThan(2)
  await page.getByRole('link', { name: 'Parcels' }).click()
  await expect.poll(() => rows(page).count()).toBe(2)
  await close()

  const shared = await open('/actors?text=w-0420')
  await expect.poll(() => rows(shared.page).count()).toBe(10)
  await expect.poll(() => shared.page.title()).toContain('(10) Actors')
  await shared.close()
})

test('nothing that passes a filter says what to do next', async () => {
  const { page, close } = await open('/actors?text=nobody')
  await page.getByText('No actor passes this filter').waitFor()
  await close()
})

test('keys are enough: / searches, j and k choose, Enter opens', async () => {
  const { page, close } = await open()
  await rows(page).first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('w-00017')
  await expect.poll(() => rows(page).count()).toBe(1)
  await page.locator('h1').click()
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/actors/wheel/w-00017')
  await expect.poll(() => page.title()).toContain('wheel/w-00017')
  await close()
})

test('the palette finds any actor by part of its key', async () => {
  const { page, close } = await open('/system')
  await page.getByRole('button', { name: /Find or do/ }).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.type('w-04321')
  await page.getByRole('option', { name: /wheel\/w-04321/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL('**/actors/wheel/w-04321')
  await close()
})

test('an actor that starts and one that changes are seen without a reload', async () => {
  const { page, close } = await open('/actors?machine=parcel')
  await expect.poll(() => rows(page).count()).toBe(2)
  await inspected.client.startActor({ machine: 'parcel', key: 'p-new', input: { to: 'Bob' } })
  await page.getByRole('link', { name: 'parcel/p-new' }).waitFor()
  await inspected.client.pauseActor({ address: 'parcel/p-1' })
  await rows(page).filter({ hasText: 'parcel/p-1' }).getByText('paused').waitFor()
  await close()
})
