import { afterAll, expect, test } from 'vitest'
import { serve } from '../support/api/served.ts'
import { openBrowser } from '../support/browser/open-browser.ts'

const browser = await openBrowser()
afterAll(() => browser[Symbol.asyncDispose]())

test('the page of the API shows every operation, calls them, and asks nobody else for anything', async () => {
  await using world = await serve()
  const { page, faults, close } = await browser.open(`${world.url}/api/docs`)
  const asked: string[] = []
  page.on('request', request => asked.push(request.url()))
  await page.reload()
  const operation = page.locator('#operations-actors-startActor')
  await operation.waitFor()
  expect(await page.locator('.opblock').count()).toBeGreaterThan(50)
  await operation.locator('.opblock-summary-control').click()
  await operation.locator('textarea').fill('{"machine":"purse","key":"from-the-page"}')
  await operation.getByRole('button', { name: 'Execute' }).click()
  await expect.poll(() => world.call('GET', '/api/v1/actors/purse/from-the-page')).toMatchObject({ status: 200 })
  expect(asked.filter(url => !url.startsWith(world.url) && !url.startsWith('data:'))).toEqual([])
  expect(faults).toEqual([])
  await close()
})
