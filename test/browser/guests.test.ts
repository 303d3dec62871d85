import { createWebSocketInspector } from '@statelyai/inspect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assign, createActor, setup } from 'xstate'
import { openBrowser, seriousIssues } from '../support/browser/open-browser.ts'
import { createScene } from '../support/browser/scene.ts'

/** A plain XState app: nothing of Troupe in it. */
const kettle = setup({ types: { context: {} as { readonly boiled: number }, events: {} as { readonly type: 'HEAT' | 'BOILED' } } }).createMachine({
  id: 'kettle', context: { boiled: 0 }, initial: 'cold',
  states: { cold: { on: { HEAT: 'heating' } }, heating: { on: { BOILED: { target: 'cold', actions: assign({ boiled: ({ context }) => context.boiled + 1 }) } } } },
})

/** The package compiles against another copy of the types of XState's observer. */
type Inspect = NonNullable<NonNullable<Parameters<typeof createActor>[1]>['inspect']>

let scene: Awaited<ReturnType<typeof createScene>>
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [scene, browser] = await Promise.all([createScene({ orders: 0 }), openBrowser()])
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

test('an actor of a plain XState app is seen live: its statechart, its context, what it was told', async () => {
  const { page, faults, close } = await browser.open(`${scene.url}/guests`)
  await page.getByText('No guests').waitFor()
  const inspector = createWebSocketInspector({ url: `${scene.url.replace('http', 'ws')}/stately?source=kitchen` })
  const actor = createActor(kettle, { inspect: inspector.inspect as Inspect }).start()
  await page.getByRole('link', { name: 'kettle' }).click()
  const state = (name: string) => page.locator(`[data-path="${name}"]`)
  await state('cold').waitFor()
  await expect.poll(() => state('cold').getAttribute('class')).toContain('is-active')
  actor.send({ type: 'HEAT' })
  await expect.poll(() => state('heating').getAttribute('class')).toContain('is-active')
  actor.send({ type: 'BOILED' })
  await page.getByRole('region', { name: 'Context' }).getByText('boiled: 1').waitFor()
  await page.getByRole('region', { name: 'What it has told' }).getByText('BOILED').first().waitFor()
  expect(await page.getByRole('button', { name: /send/i }).count()).toBe(0)
  expect(await seriousIssues(page)).toEqual([])
  expect(faults).toEqual([])
  actor.stop()
  inspector.stop?.()
  await close()
})
