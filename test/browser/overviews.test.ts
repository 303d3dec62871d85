import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser, seriousIssues } from '../support/browser/open-browser.ts'
import { createScene } from '../support/browser/scene.ts'

type Scene = Awaited<ReturnType<typeof createScene>>
let scene: Scene
let browser: Awaited<ReturnType<typeof openBrowser>>

beforeAll(async () => {
  [scene, browser] = await Promise.all([createScene(), openBrowser()])
  await scene.play()
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await scene[Symbol.asyncDispose]()
})

const RUN = '/runs/study/retries'

test('a run is drawn as messages and as states over time, and leads to the step of an actor', async () => {
  const { page, faults, close } = await browser.open(`${scene.url}/runs`)
  await page.getByRole('link', { name: 'study/retries' }).click()
  const { actors, messages } = await scene.client.timeline({ address: 'study/retries' })
  await page.getByText(`${actors.length} actors · ${messages.length} messages`).waitFor()
  await page.getByRole('button', { name: 'Zoom in' }).click()
  await expect.poll(() => page.url()).toContain('zoom=1')
  await page.getByRole('button', { name: 'States and tasks' }).click()
  await page.getByRole('link', { name: /^task model: done/ }).first().waitFor()
  await page.getByRole('button', { name: 'Messages' }).click()
  await page.getByRole('region', { name: 'Sequence diagram' }).getByRole('link', { name: /^start \(start\): outside → study\/retries, step 1/ }).click()
  await expect.poll(() => page.url()).toMatch(/\/actors\/study\/retries\?at=1$/)
  expect(faults).toEqual([])
  await close()
})

test('a run is exported as SVG, Mermaid and JSON', async () => {
  const { page, close } = await browser.open(`${scene.url}${RUN}`)
  const save = async (kind: string) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: kind, exact: true }).click()])
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
  }
  await page.getByRole('region', { name: 'Sequence diagram' }).waitFor()
  const [svg, mermaid, json] = [await save('SVG'), await save('Mermaid'), await save('JSON')]
  expect([svg.name, mermaid.name, json.name]).toEqual(['study-retries-sequence.svg', 'study-retries-sequence.mmd', 'study-retries-sequence.json'])
  expect(mermaid.text).toMatch(/^sequenceDiagram\n {2}actor a0 as outside\n {2}participant a1 as study\/retries\n/)
  const timeline = await scene.client.timeline({ address: 'study/retries' })
  expect(JSON.parse(json.text)).toEqual(timeline)
  expect(await page.evaluate(text => new DOMParser().parseFromString(text, 'image/svg+xml').querySelectorAll('parsererror, text.message').length, svg.text)).toBe(timeline.messages.length)
  await page.getByRole('button', { name: 'States and tasks' }).click()
  expect((await save('Mermaid')).text).toMatch(/^gantt\n/)
  await close()
})

test('a run that goes on is drawn as it goes on', async () => {
  await scene.sell(1_000)
  const { page, close } = await browser.open(`${scene.url}/runs/order/o-1000?view=sequence`)
  await page.getByRole('link', { name: /^start/ }).waitFor()
  expect(await page.getByRole('link', { name: /^CHECKOUT/ }).count()).toBe(0)
  await scene.client.sendEvent({ address: 'order/o-1000', event: { type: 'CHECKOUT' } })
  await page.getByRole('link', { name: /^CHECKOUT/ }).waitFor({ timeout: 5_000 })
  await close()
})

test('the fleet shows the numbers of the client, and a state leads to its actors', async () => {
  const { page, faults, close } = await browser.open(`${scene.url}/fleet/order`)
  const { states, edges } = await scene.client.fleet({ name: 'order' })
  const row = (table: string, name: string) => page.getByRole('region', { name: table }).getByRole('row').filter({ hasText: name })
  for (const { path, instances, visits } of states.filter(state => state.path !== '')) {
    await expect.poll(() => row('States', path).first().getByRole('cell').allInnerTexts()).toEqual(expect.arrayContaining([path, String(instances), String(visits)]))
  }
  const unpaid = states.find(({ path }) => path === 'unpaid')?.instances ?? 0
  expect(unpaid).toBeGreaterThan(0)
  expect(await page.locator('[data-path="unpaid"] .state-heat').innerText()).toBe(String(unpaid))
  expect(await row('Transitions', 'cart → reserving').getByRole('cell').allInnerTexts()).toEqual(['cart → reserving', 'CHECKOUT', String(edges.find(({ event }) => event === 'CHECKOUT')?.count), '0'])
  await page.locator('[data-path="unpaid"]').click()
  await page.getByRole('heading', { name: 'Actors in unpaid' }).waitFor()
  await expect.poll(() => page.getByRole('region', { name: 'Actors' }).locator('.state-actors li').count()).toBe(Math.min(unpaid, 20))
  await page.getByRole('button', { name: 'Time spent (p95)' }).click()
  await expect.poll(() => page.url()).toMatch(/by=dwell/)
  await page.getByRole('link', { name: 'Open as a list' }).click()
  await expect.poll(() => page.url()).toMatch(/\/actors\?machine=order&state=unpaid$/)
  expect(faults).toEqual([])
  await close()
})

test('what is done with all actors of a state names how many they are before, and does it to those', async () => {
  const { page, close } = await browser.open(`${scene.url}/fleet/order?state=cart`)
  const { total } = await scene.client.tallyActors({ machine: 'order', state: 'cart' })
  await page.getByRole('button', { name: 'Pause…' }).click()
  await page.getByRole('dialog', { name: `Pause ${total} actors?` }).getByRole('button', { name: `Pause ${total} actors` }).click()
  await page.getByText(`${total} actors paused`).waitFor()
  expect((await scene.client.tallyActors({ machine: 'order', status: 'paused' })).total).toBe(total)
  await close()
})

test('the system page shows readiness, rates, partitions and which CPU each thread is pinned to', async () => {
  const { page, faults, close } = await browser.open(`${scene.url}/system`)
  await page.getByRole('region', { name: 'Readiness' }).getByText('Ready', { exact: true }).waitFor()
  const steps = page.locator('figure').filter({ hasText: 'Steps and commits' }).locator('output').first()
  await expect.poll(() => steps.innerText(), { timeout: 10_000 }).toBe('0')
  let index = 2_000
  await expect.poll(async () => {
    await scene.sell(index++)
    return Number.parseFloat(await steps.innerText())
  }, { timeout: 10_000, interval: 100 }).toBeGreaterThan(0)
  await page.getByRole('button', { name: 'Cluster' }).click()
  const { partitions } = await scene.client.cluster({})
  await expect.poll(() => page.getByRole('region', { name: 'Partitions' }).getByRole('listitem').count()).toBe(partitions.length)
  await page.getByRole('button', { name: 'Workers' }).click()
  const { threads } = await scene.client.workers({})
  expect(threads.length).toBeGreaterThan(0)
  for (const { thread, cpu } of threads as unknown as readonly { readonly thread: number; readonly cpu: number | null }[]) {
    const cells = page.getByRole('region', { name: 'Threads' }).last().getByRole('row').filter({ has: page.getByRole('cell', { name: String(thread), exact: true }) })
    await expect.poll(async () => (await cells.first().getByRole('cell').allInnerTexts())[3]).toBe(String(cpu ?? '–'))
  }
  await page.getByRole('button', { name: 'Catalogue' }).click()
  await page.getByRole('link', { name: 'study' }).click()
  await page.locator('[data-path="running"]').first().waitFor()
  expect(faults).toEqual([])
  await close()
})

test.each([['light', 1_440], ['dark', 360]] as const)('axe finds no serious issue in the overviews, and nothing is too wide: %s, %i px', async (scheme, width) => {
  const places = [
    ['/runs', 'study/retries'], [RUN, 'Messages'], [`${RUN}?view=gantt`, 'thinking'], ['/fleet', 'order'], ['/fleet/order', 'unpaid'], ['/system', 'Ready'], ['/system?view=cluster', 'Partitions'],
    ['/system?view=workers', 'Threads'], ['/system?view=queues', 'running'], ['/system?view=catalogue&machine=order', 'Events'], ['/webhooks', 'No webhooks yet'], ['/guests', 'No guests'],
  ] as const
  const { page, close } = await browser.open(scene.url, { scheme, width })
  for (const [path, text] of places) {
    await page.goto(`${scene.url}${path}`)
    await page.getByText(text).filter({ visible: true }).first().waitFor()
    expect(await seriousIssues(page), path).toEqual([])
    expect(await page.evaluate(() => document.querySelector('main')?.scrollWidth), `${path} does not scroll sideways`).toBeLessThanOrEqual(width)
  }
  await close()
})
