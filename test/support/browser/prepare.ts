import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ensureChromium } from './find-chromium.ts'

const ROOT = join(import.meta.dirname, '../../..')
const SOURCES = ['src/inspector', 'src/client', 'src/core/errors.ts']

/** Before all browser tests: a browser, and the inspector as its sources are now. */
export async function setup(): Promise<void> {
  await Promise.all([ensureChromium(), buildInspector()])
}

export async function buildInspector(): Promise<void> {
  const built = await stat(join(ROOT, 'dist/inspector/index.html')).then(file => file.mtimeMs, () => 0)
  const changed = Math.max(...(await Promise.all(SOURCES.map(source => newest(join(ROOT, source))))))
  if (changed > built) await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'src/inspector/ui', '--logLevel', 'warn'], { cwd: ROOT })
}

async function newest(path: string): Promise<number> {
  const file = await stat(path)
  if (!file.isDirectory()) return file.mtimeMs
  return Math.max(...(await Promise.all((await readdir(path)).map(name => newest(join(path, name))))))
}
