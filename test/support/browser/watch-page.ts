import type { Page } from 'playwright-core'

export interface Watched {
  /** Each step of an actor's page as it came into sight, and when. */
  readonly seen: readonly (readonly [seq: number, at: number])[]
  readonly frames: number
}

/** Runs in the page. */
const WATCH = `() => {
  const watched = globalThis.watched = { seen: [], frames: 0 }
  const look = () => {
    watched.frames++
    const seq = Number(/step (\\d+)/.exec(document.querySelector('.time-place')?.textContent ?? '')?.[1])
    if (seq && watched.seen.at(-1)?.[0] !== seq) watched.seen.push([seq, Date.now()])
    requestAnimationFrame(look)
  }
  look()
}`

/** Notes from now on what comes on a page's screen; gives a function that tells it. */
export async function watchPage(page: Page): Promise<() => Promise<Watched>> {
  await page.evaluate(`(${WATCH})()`)
  return () => page.evaluate('watched')
}

/** What the page holds when all that it does not need is gone. */
export async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  await session.detach()
  return usedSize
}
