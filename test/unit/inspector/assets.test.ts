import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openAssets } from '../../../src/inspector/assets.ts'
import { makeTempDir } from '../../support/temp-dir.ts'

async function build(): Promise<string> {
  const folder = await makeTempDir()
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  await writeFile(join(folder, 'assets/index-abc123.js'), 'go()')
  await writeFile(join(folder, 'secret.txt'), 'no')
  return folder
}

test('files with a hash in their name stay for ever, the document is asked for each time', async () => {
  const assets = openAssets([await build()])
  expect((await assets.find('/assets/index-abc123.js'))?.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'text/javascript; charset=utf-8', 'x-content-type-options': 'nosniff' })
  expect((await assets.find('/'))?.headers).toMatchObject({ 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' })
})

test('every path of a page is the one document, with a policy that lets no script in from elsewhere', async () => {
  const assets = openAssets([await build()])
  for (const path of ['/', '/actors', '/actors/order/42', '/actors/order/a.b', '/runs/order/x%2Fy']) expect((await assets.find(path))?.headers['content-security-policy'], path).toMatch(/script-src 'self';(?!.*script-src)/)
})

test('only the files of the build can be had', async () => {
  const assets = openAssets([await build()])
  for (const path of ['/assets/index-other.js', '/secret.txt', '/favicon.ico', '/assets/../secret.txt', '/..%2fsecret.txt', '/.env']) expect(await assets.find(path), path).toBeUndefined()
})

test('what was never built says how to build it', async () => {
  const page = await openAssets(['/nowhere']).find('/actors')
  expect(new TextDecoder().decode(page?.body)).toContain('npm run build:ui')
})
