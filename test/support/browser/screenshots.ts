/** `npm run screenshots`: takes the pictures of docs/images, each page in light and dark, from a scene in which much has happened. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { openBrowser } from './open-browser.ts'
import { palettePng } from './palette-png.ts'
import { createScene } from './scene.ts'

const IMAGES = join(import.meta.dirname, '../../../docs/images')
const [WIDTH, HEIGHT] = [1_440, 900]
const schemes = ['light', 'dark'] as const

/** What a picture shows, and what must be on the page before it is taken. */
const pictures: readonly { readonly name: string; readonly path: string; readonly ready: string }[] = [
  { name: 'actors', path: '/actors', ready: '.status-active' },
  { name: 'actor', path: '/actors/order/o-4', ready: '[data-path="cancelled"].is-active' },
  { name: 'approvals', path: '/approvals', ready: 'text=Decide as' },
  { name: 'dead-letters', path: '/dead-letters', ready: 'text=there is no rate' },
  { name: 'run', path: '/runs/study/retries', ready: 'text.message' },
  { name: 'gantt', path: '/runs/study/retries?view=gantt', ready: 'rect.bar' },
  { name: 'fleet', path: '/fleet/order', ready: '[data-path="unpaid"] .state-heat' },
  { name: 'system', path: '/system', ready: 'figure canvas' },
  { name: 'workers', path: '/system?view=workers', ready: 'text=Pinned to CPU' },
]

/** Runs in the page. */
const DECODE = `async base64 => {
  const bitmap = await createImageBitmap(new Blob([Uint8Array.fromBase64(base64)], { type: 'image/png' }))
  const brush = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
  brush.drawImage(bitmap, 0, 0)
  return new Uint8Array(brush.getImageData(0, 0, bitmap.width, bitmap.height).data).toBase64()
}`

/** Red, green, blue and opacity of each pixel of a picture, decoded by the browser that took it. */
const pixelsOf = async (page: Page, png: Buffer): Promise<Buffer> => Buffer.from((await page.evaluate(`(${DECODE})('${png.toString('base64')}')`)) as string, 'base64')

mkdirSync(IMAGES, { recursive: true })
await using scene = await createScene()
await using browser = await openBrowser()
await scene.play()
const load = setInterval(() => void scene.sell(Math.floor(performance.now())), 150)
for (const scheme of schemes) {
  const { page, faults, close } = await browser.open(`${scene.url}/system`, { scheme, width: WIDTH, height: HEIGHT })
  // Rates need some seconds to look at.
  await page.waitForTimeout(8_000)
  for (const { name, path, ready } of pictures.toSorted((a, b) => Number(b.name === 'system') - Number(a.name === 'system'))) {
    if (name !== 'system') await page.goto(`${scene.url}${path}`)
    await page.locator(ready).first().waitFor()
    await page.waitForTimeout(1_000)
    const file = palettePng(await pixelsOf(page, await page.screenshot()), WIDTH, HEIGHT)
    writeFileSync(join(IMAGES, `${name}-${scheme}.png`), file)
    console.log(`${name}-${scheme}.png ${Math.round(file.length / 1_000)} kB`)
  }
  if (faults.length > 0) throw new Error(`the pages reported: ${faults.join('; ')}`)
  await close()
}
clearInterval(load)
