import type { Page } from 'playwright-core'
import { WITHOUT_CHROMIUM, chromiumPath } from '../test/support/browser/find-chromium.ts'
import { startInspected } from '../test/support/browser/inspected.ts'
import type { Inspected } from '../test/support/browser/inspected.ts'
import { openBrowser } from '../test/support/browser/open-browser.ts'
import { buildInspector } from '../test/support/browser/prepare.ts'
import { startWheels, turnWheels } from '../test/support/browser/turn-wheels.ts'
import { heapBytes, watchPage } from '../test/support/browser/watch-page.ts'
import { percentile } from './harness.ts'
import type { Bench, Figure, Lab } from './harness.ts'
import { longestTaskMs } from './longest-task.ts'

/** An open page of an inspector, of which nobody else has any. */
interface Look {
  readonly inspected: Inspected
  readonly page: Page
}

const CHANGES_PER_S = 50
const FLOOD_PER_S = 1_000
const FLOOD_ACTORS = 50
const WARM_UP_S = 3
const STARTS_AT_ONCE = 1_000
/** The end of the longest list is a thousand pages of it away. */
const WAIT_MS = 120_000

const shown = '.state-box.is-active'

/** The server has this process, the page has Chromium's: they share the machine, as a developer's do. */
async function lookAt<T>(path: string, prepare: (inspected: Inspected) => Promise<unknown>, work: (look: Look) => Promise<T>): Promise<T> {
  await using inspected = await startInspected()
  await using browser = await openBrowser()
  await prepare(inspected)
  const { page, close } = await browser.open(`${inspected.url}${path}`)
  page.setDefaultTimeout(WAIT_MS)
  const result = await work({ inspected, page })
  await close()
  return result
}

const lookAtWheel = <T>(work: (look: Look) => Promise<T>): Promise<T> =>
  lookAt('/actors/wheel/w', inspected => startWheels(inspected, ['w']), async look => (await look.page.locator(shown).first().waitFor(), work(look)))

/** From a step's time in the journal, which is before its commit, until a frame shows it or a later one. */
const changes = (seconds: number): Promise<readonly Figure[]> => lookAtWheel(async ({ inspected, page }) => {
  await turnWheels(inspected, ['wheel/w'], CHANGES_PER_S, WARM_UP_S)
  const watched = await watchPage(page)
  const from = CHANGES_PER_S * WARM_UP_S + 1
  await turnWheels(inspected, ['wheel/w'], CHANGES_PER_S, seconds)
  const last = from + CHANGES_PER_S * seconds
  await page.getByText(`step ${last}`, { exact: false }).first().waitFor()
  const { seen } = await watched()
  const delays: number[] = []
  for (let next = from; next < last; ) {
    const { steps } = await inspected.client.history({ address: 'wheel/w', from: next, limit: Math.min(200, last - next) })
    for (const { seq, at } of steps) delays.push((seen.find(([step]) => step >= seq)?.[1] ?? Infinity) - at)
    next += steps.length
  }
  const figure = `on screen at ${CHANGES_PER_S} changes/s`
  return [
    { figure: `${figure}, p50`, value: percentile(delays, 0.5), unit: 'ms' },
    { figure: `${figure}, p95`, value: percentile(delays, 0.95), unit: 'ms', atMost: 200 },
    { figure: `${figure}, max`, value: Math.max(...delays), unit: 'ms' },
  ]
})

async function flood(name: string, { inspected, page }: Look, addresses: readonly string[], seconds: number): Promise<readonly Figure[]> {
  await turnWheels(inspected, addresses, FLOOD_PER_S, WARM_UP_S)
  const watched = await watchPage(page)
  const before = performance.now()
  const value = await longestTaskMs(page, () => turnWheels(inspected, addresses, FLOOD_PER_S, seconds))
  const { frames } = await watched()
  return [
    { figure: `longest task of ${name} at ${FLOOD_PER_S} events/s`, value, unit: 'ms', atMost: 500 },
    { figure: `frames of ${name} at ${FLOOD_PER_S} events/s`, value: (frames / (performance.now() - before)) * 1_000, unit: 'frames/s' },
  ]
}

const names = Array.from({ length: FLOOD_ACTORS }, (_, index) => `w-${index}`)

const floods = async (seconds: number): Promise<readonly Figure[]> => [
  ...(await lookAt('/actors', inspected => startWheels(inspected, names), look => flood('the list', look, names.map(name => `wheel/${name}`), seconds))),
  ...(await lookAtWheel(look => flood("an actor's page", look, ['wheel/w'], seconds))),
]

const heap = (seconds: number): Promise<readonly Figure[]> => lookAtWheel(async ({ inspected, page }) => {
  await turnWheels(inspected, ['wheel/w'], CHANGES_PER_S, WARM_UP_S)
  const before = await heapBytes(page)
  await turnWheels(inspected, ['wheel/w'], CHANGES_PER_S, seconds)
  const after = await heapBytes(page)
  return [
    { figure: 'heap of the page at the start', value: before / 1e6, unit: 'MB' },
    { figure: `growth in ${seconds} s at ${CHANGES_PER_S} changes/s`, value: (after - before) / 1e6, unit: 'MB', atMost: 10 },
  ]
})

/** Runs in the page: scrolls on with each frame, and tells how many rows there were at most once the end is reached. */
const SCROLL = `() => new Promise(resolve => {
  const scroller = document.querySelector('.actor-rows')
  let most = 0
  const step = () => {
    most = Math.max(most, scroller.querySelectorAll('[role=row]').length)
    const isAtEnd = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1
    if (isAtEnd && !/ of |loading/.test(document.querySelector('.actor-foot').textContent)) return resolve(most)
    scroller.scrollTop += 4_000
    requestAnimationFrame(step)
  }
  step()
})`

async function startMany({ runtime }: Inspected, count: number): Promise<void> {
  for (let from = 0; from < count; from += STARTS_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(STARTS_AT_ONCE, count - from) }, (_, index) => runtime.actor('wheel', `w-${from + index}`).start()))
  }
}

/** From a page that has loaded nothing of the inspector yet. */
const list = (count: number): Promise<readonly Figure[]> => lookAt('/healthz', inspected => startMany(inspected, count), async ({ inspected, page }) => {
  const since = async (work: () => Promise<unknown>): Promise<number> => {
    const before = performance.now()
    await work()
    return performance.now() - before
  }
  const first = await since(async () => {
    await page.goto(`${inspected.url}/actors`, { waitUntil: 'commit' })
    await page.locator('.actor-rows [role=row]').first().waitFor()
  })
  const key = `w-${count / 2}`
  const filter = await since(async () => {
    await page.getByLabel('Search by key').fill(key)
    await page.locator(`.actor-rows [title="wheel/${key}"]`).waitFor()
  })
  await page.goto(`${inspected.url}/actors`)
  await page.locator('.actor-rows [role=row]').first().waitFor()
  let rows = Number.NaN
  const started = performance.now()
  const longest = await longestTaskMs(page, async () => {
    rows = await page.evaluate(`(${SCROLL})()`)
  })
  const of = `of ${count} actors`
  return [
    { figure: `first rows ${of}`, value: first, unit: 'ms' },
    { figure: `text filter ${of}, typing pause included`, value: filter, unit: 'ms' },
    { figure: `rows in the DOM ${of}, at most`, value: rows, unit: 'rows', atMost: 80 },
    { figure: `longest task while scrolling to the end ${of}`, value: longest, unit: 'ms' },
    { figure: `scrolling to the end ${of}`, value: (performance.now() - started) / 1_000, unit: 's' },
  ]
})

async function run({ quick, say }: Lab): Promise<readonly Figure[]> {
  if (chromiumPath() === undefined) return say(`no figures: ${WITHOUT_CHROMIUM}`), []
  await buildInspector()
  const figures: Figure[] = []
  const parts = [() => changes(quick ? 3 : 30), () => floods(quick ? 3 : 20), () => list(quick ? 4_000 : 100_000), () => heap(quick ? 6 : 600)]
  for (const part of parts) figures.push(...(await part()))
  return figures
}

export const bench: Bench = { name: 'inspector-live', question: 'Does the inspector keep up: soon on the screen, never frozen, its heap flat, 100,000 actors?', sides: {}, run }
