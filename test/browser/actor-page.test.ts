import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startInspected } from '../support/browser/inspected.ts'
import type { Inspected } from '../support/browser/inspected.ts'
import { openBrowser } from '../support/browser/open-browser.ts'

let inspected: Inspected
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [inspected, browser] = await Promise.all([startInspected(), openBrowser()])
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await inspected.close()
})

const send = (key: string, event: { readonly type: string; readonly [name: string]: unknown }) => inspected.client.sendEvent({ address: `parcel/${key}`, event: event as { type: string } })
const stateBox = (page: Page, path: string) => page.locator(`.state-box[data-path="${path}"]`)
const isActive = (page: Page, path: string) => stateBox(page, path).and(page.locator('.is-active'))

/** A parcel that was packed and addressed; its page. */
async function openParcel(key: string, query = '') {
  const { client, url } = inspected
  await client.startActor({ machine: 'parcel', key, input: { to: 'Ada' } })
  await send(key, { type: 'note', text: 'with care' })
  return browser.open(`${url}/actors/parcel/${key}${query}`)
}

async function travel(key: string): Promise<void> {
  await send(key, { type: 'pack', weightKg: 3, fragile: true })
  await send(key, { type: 'address', street: 'Long Lane 1', city: 'Bern' })
  await expect.poll(async () => (await inspected.client.snapshot({ address: `parcel/${key}` })).value).toBe('ready')
}

test('the chart shows nested and parallel states and follows the actor, with its last transition', async () => {
  const { page, faults, close } = await openParcel('chart')
  await isActive(page, 'open').waitFor()
  const places = await page.locator('.react-flow__node').evaluateAll(nodes => nodes.map(node => node.getAttribute('style')))
  await send('chart', { type: 'pack', weightKg: 3, fragile: true })
  await isActive(page, 'preparing.labelling').waitFor()
  await isActive(page, 'preparing.addressing.unknown').waitFor()
  await page.locator('.arrow.is-taken').first().waitFor()
  expect(await isActive(page, 'open').count()).toBe(0)
  // Lighting is all that has happened: nothing was laid out again.
  expect(await page.locator('.react-flow__node').evaluateAll(nodes => nodes.map(node => node.getAttribute('style')))).toEqual(places)
  await page.getByText('States as text').click()
  await page.locator('.state-list').getByText('printing').first().waitFor()
  expect(faults).toEqual([])
  await close()
})

test('boxes and labels of the drawing do not overlap', async () => {
  const { page, close } = await openParcel('overlap')
  await isActive(page, 'open').waitFor()
  const overlaps = await page.evaluate(() => {
    const leaves = [...document.querySelectorAll('.state-atomic, .state-final')]
    const shown = [...leaves, ...document.querySelectorAll('.arrow text')].map(element => ({ name: element.textContent, box: element.getBoundingClientRect() }))
    return shown.flatMap((a, index) => shown.slice(index + 1).filter(b => a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 && a.box.top < b.box.bottom - 1 && b.box.top < a.box.bottom - 1).map(b => `${a.name} / ${b.name}`))
  })
  expect(overlaps).toEqual([])
  await close()
})

test('a layout is made once per machine: another page draws it from what the browser kept', async () => {
  const { page, close } = await openParcel('cached')
  await isActive(page, 'open').waitFor()
  await page.reload()
  await isActive(page, 'open').waitFor()
  expect(await page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => name.includes('elk-worker')))).toBe(false)
  await close()
})

test('only legal events can be sent, with a form that says what is wrong; the others say why not', async () => {
  const { page, close } = await openParcel('form', '?tab=send')
  await page.getByRole('button', { name: 'pack', exact: true }).click()
  await page.getByRole('button', { name: 'Send pack' }).click()
  await page.getByText('weightKg is needed').waitFor()
  await page.getByLabel('weightKg').fill('900')
  await page.getByRole('button', { name: 'Send pack' }).click()
  await page.getByText('weightKg must be at most 200').waitFor()
  await page.getByText(/refused now/).click()
  await page.getByText('it is handled in preparing.addressing.unknown; active is open').waitFor()
  await page.getByLabel('weightKg').fill('2.5')
  await page.getByLabel('fragile').check()
  await page.getByRole('button', { name: 'Send pack' }).click()
  await page.getByText('pack is accepted').waitFor()
  await isActive(page, 'preparing').waitFor()
  await page.getByRole('button', { name: 'address', exact: true }).click()
  await page.getByLabel('street').fill('Long Lane 1')
  await page.getByLabel('city').selectOption('Oslo')
  await page.getByRole('button', { name: 'Send address' }).click()
  await expect.poll(async () => (await inspected.client.snapshot({ address: 'parcel/form' })).context).toMatchObject({ weightKg: 2.5, address: { street: 'Long Lane 1', city: 'Oslo' } })
  await close()
})

test('lists, choices and what may be left out become fields; JSON is there for those who like it', async () => {
  const { page, close } = await openParcel('fields', '?tab=send')
  await page.getByRole('button', { name: 'note', exact: true }).click()
  await page.getByLabel('text', { exact: true }).fill('hello')
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('textbox', { name: 'tags 1' }).fill('red')
  await page.getByLabel('Kind of about').selectOption('place')
  await page.getByLabel('floor').fill('3')
  await page.getByRole('button', { name: 'As JSON' }).click()
  expect(JSON.parse(await page.getByLabel('Event as JSON').inputValue())).toEqual({ type: 'note', text: 'hello', tags: ['red'], about: { kind: 'place', floor: 3 } })
  await page.getByRole('button', { name: 'Send note' }).click()
  await expect.poll(async () => (await inspected.client.snapshot({ address: 'parcel/fields' })).context).toMatchObject({ notes: ['with care', 'hello'] })
  await close()
})

test('the past is walked by key: chart, context and log follow, and the present goes on meanwhile', async () => {
  const { page, close } = await openParcel('travel')
  await travel('travel')
  await page.getByLabel('Step of the history').focus()
  await page.keyboard.press('Home')
  await isActive(page, 'open').waitFor()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await isActive(page, 'preparing').waitFor()
  expect(new URL(page.url()).searchParams.get('at')).toBe('3')
  await page.getByRole('tab', { name: 'Context' }).click()
  await page.locator('.json-changed').getByText('weightKg').waitFor()
  await send('travel', { type: 'send' })
  await page.getByRole('button', { name: 'Back to live (1 new)' }).click()
  await isActive(page, 'travelling').waitFor()
  await page.getByRole('tab', { name: 'Log' }).click()
  await page.locator('.log-row.is-shown').getByText('send').waitFor()
  await close()
})

test('a fork from the past is a new actor with that state, and the old one stays', async () => {
  const { page, close } = await openParcel('origin', '?at=2')
  await travel('origin')
  await page.getByRole('button', { name: 'Fork' }).click()
  await page.getByLabel('Key of the new actor').fill('origin-again')
  await page.getByRole('dialog').getByRole('button', { name: 'Fork' }).click()
  await page.waitForURL('**/actors/parcel/origin-again')
  await isActive(page, 'open').waitFor()
  expect((await inspected.client.snapshot({ address: 'parcel/origin' })).value).toBe('ready')
  await close()
})

test('two steps are compared place by place', async () => {
  const { page, close } = await openParcel('compared')
  await travel('compared')
  await page.getByRole('button', { name: 'Compare' }).click()
  const panel = page.getByRole('region', { name: 'Compare two steps' })
  await panel.getByLabel('Step', { exact: true }).fill('2')
  await panel.getByRole('row', { name: /context\.weightKg 0 3/ }).waitFor()
  await panel.getByRole('row', { name: /states open ready/ }).waitFor()
  await close()
})

test('timers count down, tasks show their attempts, errors their causes', async () => {
  const { page, close } = await openParcel('parts', '?tab=parts')
  await page.getByText('It runs no task.').waitFor()
  await send('parts', { type: 'explode' })
  await send('parts', { type: 'pack', weightKg: 3, fragile: true })
  const timer = page.getByRole('row', { name: /after 10 min in preparing.addressing.unknown/ })
  await timer.getByText(/in 00:0\d:\d\d|in 00:10:00/).waitFor()
  await page.getByRole('tab', { name: 'Log' }).click()
  await page.getByRole('button', { name: /explode/ }).click()
  await page.getByText('TypeError: batteries do not like heat', { exact: true }).waitFor()
  await close()
})

test('what cannot be undone is asked for twice', async () => {
  const { page, close } = await openParcel('steered')
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.locator('.actor-head').getByText('paused').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('button', { name: 'Pause', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await page.getByRole('button', { name: 'Keep it' }).click()
  expect((await inspected.client.snapshot({ address: 'parcel/steered' })).status).toBe('active')
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await page.getByRole('button', { name: 'Stop the actor' }).click()
  await page.locator('.actor-head').getByText('stopped').waitFor()
  await close()
})

test('the chart of a child in process can be looked at', async () => {
  const { page, close } = await openParcel('child')
  await travel('child')
  await send('child', { type: 'send' })
  await page.getByLabel('Chart of').selectOption('truck (carrier)')
  await isActive(page, 'idle').waitFor()
  await close()
})

test('an address that is nobody says so', async () => {
  const { page, close } = await browser.open(`${inspected.url}/actors/parcel/nobody`)
  await page.getByRole('alert').getByText('actor/unknown').waitFor()
  await close()
})
