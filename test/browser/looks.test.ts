import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInspected } from '../support/browser/inspected.ts'
import type { Inspected } from '../support/browser/inspected.ts'
import { openBrowser, seriousIssues } from '../support/browser/open-browser.ts'

let inspected: Inspected
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [inspected, browser] = await Promise.all([startInspected(), openBrowser()])
  const { client } = inspected
  const address = 'parcel/seen'
  await client.startActor({ machine: 'parcel', key: 'seen', input: { to: 'Ada Lovelace' } })
  for (const event of [{ type: 'note', text: 'with care' }, { type: 'explode' }, { type: 'pack', weightKg: 3, fragile: true }]) await client.sendEvent({ address, event })
  for (let index = 0; index < 30; index++) await client.startActor({ machine: 'wheel', key: `w-${index}` })
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await inspected.close()
})

const pages = ['/actors', '/actors?text=nobody', '/actors/parcel/seen', '/actors/parcel/seen?tab=context&at=2', '/actors/parcel/seen?tab=send', '/actors/parcel/seen?tab=parts&compare=1', '/actors/parcel/nobody', '/nowhere']

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious on the pages of actors, ${scheme}`, async () => {
    for (const path of pages) {
      const { page, close } = await browser.open(`${inspected.url}${path}`, { scheme })
      await page.locator('h1, h2').first().waitFor()
      await page.waitForLoadState('networkidle')
      expect(await seriousIssues(page), `${path} ${scheme}`).toEqual([])
      await close()
    }
  })
}

test('nothing is wider than a phone', async () => {
  for (const path of pages) {
    const { page, close } = await browser.open(`${inspected.url}${path}`, { width: 360, height: 740 })
    await page.locator('h1, h2').first().waitFor()
    await page.waitForLoadState('networkidle')
    expect(await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth, document.querySelector('main')!.scrollWidth - document.querySelector('main')!.clientWidth]), path).toEqual([0, 0])
    await close()
  }
})

test('the palette and dialogs are fit for everybody', async () => {
  const { page, close } = await browser.open(`${inspected.url}/actors/parcel/seen`)
  await page.getByRole('button', { name: 'Fork' }).click()
  await page.getByRole('dialog').waitFor()
  expect(await seriousIssues(page)).toEqual([])
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.getByRole('option').first().waitFor()
  expect(await seriousIssues(page)).toEqual([])
  await close()
})

test('the theme is a choice that stays', async () => {
  const { page, close } = await browser.open(`${inspected.url}/actors`, { scheme: 'light' })
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await background()
  await page.getByRole('button', { name: /Theme: system/ }).click()
  await page.getByRole('button', { name: /Theme: light/ }).click()
  await page.getByRole('button', { name: /Theme: dark/ }).waitFor()
  // Colours change with the next frame.
  await expect.poll(background).not.toBe(light)
  await page.reload()
  await page.getByRole('button', { name: /Theme: dark/ }).waitFor()
  await expect.poll(background).not.toBe(light)
  await close()
})

test('nothing is asked of any other server, and no policy is broken', async () => {
  const { page, faults, close } = await browser.open('about:blank')
  const asked: string[] = []
  page.on('request', request => asked.push(request.url()))
  await page.goto(`${inspected.url}/actors/parcel/seen`)
  await page.locator('.state-box').first().waitFor()
  expect(asked.filter(url => !url.startsWith(inspected.url))).toEqual([])
  expect(faults).toEqual([])
  const scripts = await Promise.all(asked.filter(url => url.includes('/assets/')).map(async url => (await fetch(url)).headers.get('cache-control')))
  expect(new Set(scripts)).toEqual(new Set(['public, max-age=31536000, immutable']))
  const policy = (await fetch(inspected.url)).headers.get('content-security-policy') ?? ''
  expect(policy).toContain("script-src 'self';")
  await close()
})
