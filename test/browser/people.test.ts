import { approval } from 'troupe/machines'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, seriousIssues } from '../support/browser/open-browser.ts'
import { refund, invoice } from '../support/browser/scene-machines.ts'
import { createScene } from '../support/browser/scene.ts'

type Scene = Awaited<ReturnType<typeof createScene>>
let scene: Scene
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [scene, browser] = await Promise.all([createScene(), openBrowser()])
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const ask = { customer: 'Ann', cents: 100, reason: 'broken', items: [] }

test('an approval that is decided in the browser moves on the actor that asked, with who and why', async () => {
  await scene.runtime.actor(refund, 'yes').start(ask)
  const { page, faults, close } = await browser.open(`${scene.url}/approvals`)
  const detail = page.getByRole('region', { name: 'Approval' })
  await detail.getByText('customer: Ann · cents: 100').waitFor()
  await expect.poll(() => page.title()).toContain('(1) Approvals')
  await detail.getByLabel('Decide as').selectOption('ben')
  await detail.getByLabel(/Reason/).fill('the photo shows it')
  await detail.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('Nothing waits for a decision').waitFor()
  await scene.runtime.actor(refund, 'yes').result()
  expect(await scene.runtime.actor(refund, 'yes').snapshot()).toMatchObject({ value: 'paid', context: { verdict: { decision: 'approved', votes: [{ by: 'ben', approve: true, reason: 'the photo shows it' }] } } })
  expect(faults).toEqual([])
  await close()
})

test('keys alone are enough to choose, reject and say why', async () => {
  for (const key of ['k1', 'k2']) await scene.runtime.actor(refund, key).start({ ...ask, customer: key })
  const { page, close } = await browser.open(`${scene.url}/approvals`)
  await page.getByRole('heading', { name: 'customer: k1' }).waitFor()
  await page.keyboard.press('j')
  await page.getByRole('heading', { name: 'customer: k2' }).waitFor()
  expect(page.url()).toContain('id=')
  await page.keyboard.press('r')
  await page.keyboard.type('a no')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await scene.runtime.actor(refund, 'k2').result()
  expect(await scene.runtime.actor(refund, 'k2').snapshot()).toMatchObject({ value: 'refused', context: { verdict: { votes: [{ approve: false, reason: 'a no' }] } } })
  await page.goto(`${scene.url}/approvals`)
  await page.getByRole('heading', { name: 'customer: k1' }).waitFor()
  await page.keyboard.press('a')
  await scene.runtime.actor(refund, 'k1').result()
  expect(await scene.runtime.actor(refund, 'k1').snapshot()).toMatchObject({ value: 'paid' })
  await close()
})

test('a decision on what has changed meanwhile is refused, says why, and shows what changed', async () => {
  await scene.runtime.actor(refund, 'stale').start(ask)
  const { page, close } = await browser.open(`${scene.url}/approvals`)
  const detail = page.getByRole('region', { name: 'Approval' })
  await detail.getByText('cents: 100').first().waitFor()
  const { approvals: [open] } = await scene.client.listApprovals({})
  const gate = scene.runtime.actor(approval, open?.address.slice('approval/'.length) ?? '')
  await gate.ask({ type: 'approval.amend', subject: { ...ask, cents: 900 } })
  await detail.getByText('This was changed after it was shown to you').waitFor()
  await detail.getByRole('button', { name: 'Approve' }).click()
  await detail.getByRole('alert').getByText('It was changed after it was shown to you').waitFor()
  await detail.getByText('cents: 900').first().waitFor()
  expect(await detail.getByRole('region', { name: 'Subject' }).locator('del').innerText()).toBe('100')
  expect((await gate.snapshot()).context.votes).toEqual([])
  await detail.getByRole('button', { name: 'Approve' }).click()
  await scene.runtime.actor(refund, 'stale').result()
  await close()
})

test('a dead letter that is edited and replayed heals its actor; a wrong edit is not sent', async () => {
  const actor = scene.runtime.actor(invoice, 'mended')
  await actor.start({ cents: 5_000 })
  await actor.send({ type: 'PAYMENT', cents: 5_000, currency: 'USD' })
  const { page, faults, close } = await browser.open(`${scene.url}/dead-letters?address=invoice/mended`)
  await page.getByText('there is no rate for the currency USD').first().waitFor()
  await page.getByRole('button', { name: 'Edit and replay' }).click()
  const editor = page.getByLabel('Event to replay in its place')
  const send = page.getByRole('button', { name: 'Replay the edited event' })
  await editor.fill('{ "cents": 5000')
  await page.getByText('This is not JSON').waitFor()
  expect(await send.isDisabled()).toBe(true)
  await editor.fill('{ "type": "PAYMENT", "cents": 5000, "currency": "EUR" }')
  await send.click()
  await page.getByText('None of this actor').waitFor()
  await actor.result()
  expect(await actor.snapshot()).toMatchObject({ value: 'paid', context: { open: 0 } })
  expect(faults).toEqual([])
  await close()
})

test('several dead letters are discarded at once, with a reason that stays readable', async () => {
  const actor = scene.runtime.actor(invoice, 'many')
  await actor.start({ cents: 5_000 })
  for (const currency of ['USD', 'CHF', 'SEK']) await actor.send({ type: 'PAYMENT', cents: 1, currency })
  const { page, close } = await browser.open(`${scene.url}/dead-letters?address=invoice/many`)
  await page.getByLabel('All 3').check()
  await page.getByRole('button', { name: 'Discard 3' }).click()
  await page.getByRole('dialog').getByLabel('Reason').fill('paid in cash')
  await page.getByRole('button', { name: 'Discard 3' }).last().click()
  await page.getByText('None of this actor').waitFor()
  await page.getByRole('button', { name: 'discarded' }).click()
  await expect.poll(() => page.getByText(/paid in cash/).count()).toBe(3)
  const { letters } = await scene.client.listDeadLetters({ address: 'invoice/many', state: 'discarded' })
  expect(letters.map(({ state, reason }) => [state, reason])).toEqual(Array.from({ length: 3 }, () => ['discarded', 'paid in cash']))
  await close()
})

test.each([['light', 1_440], ['dark', 360]] as const)('axe finds no serious issue in the inboxes, and nothing is too wide: %s, %i px', async (scheme, width) => {
  await scene.runtime.actor(refund, `axe-${scheme}`).start(ask)
  const actor = scene.runtime.actor(invoice, `axe-${scheme}`)
  await actor.start({ cents: 1 })
  await actor.send({ type: 'PAYMENT', cents: 1, currency: 'USD' })
  const { page, close } = await browser.open(scene.url, { scheme, width })
  for (const [path, text] of [['/approvals', 'Reason'], ['/dead-letters', 'there is no rate'], ['/dead-letters?state=replayed', 'Dead letters']] as const) {
    await page.goto(`${scene.url}${path}`)
    await page.getByText(text).filter({ visible: true }).first().waitFor()
    expect(await seriousIssues(page), path).toEqual([])
    expect(await page.evaluate(() => document.querySelector('main')?.scrollWidth), `${path} does not scroll sideways`).toBeLessThanOrEqual(width)
  }
  await close()
})
