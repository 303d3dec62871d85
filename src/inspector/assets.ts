import { readFile, readdir } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** A file of the built inspector, as it goes over HTTP. */
export interface Asset {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

export interface Assets {
  /** What stands at a path of the URL: a file; for the paths of pages the one document of the application; otherwise undefined. */
  find(path: string): Promise<Asset | undefined>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
}

/** Everything comes from this server, and no text of a user's actor can become a script. Styles in elements are React's and the drawing's. */
const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "font-src 'self'", "connect-src 'self'",
  "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
].join('; ')

const SAFETY = { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' }

/** Vite puts what has its content's hash in its name here: such a file never changes. */
const HASHED = 'assets/'
const FOREVER = 'public, max-age=31536000, immutable'

/** Built by `npm run build:ui`: beside the compiled server, or below the sources. */
const FOLDERS = [join(import.meta.dirname, '../../inspector'), join(import.meta.dirname, '../../dist/inspector')]

/**
 * The built inspector, read into memory when it is first asked for: 30 files or so. Only the files of its folder can be had, by
 * their exact names. A page tells what to do where it was never built.
 */
export function openAssets(folders: readonly string[] = FOLDERS): Assets {
  let files: Promise<ReadonlyMap<string, Asset>> | undefined
  return {
    async find(path) {
      const known = await (files ??= readAssets(folders))
      const file = known.get(path.replace(/^\//, ''))
      if (file) return file
      // The path of a page has no extension in its first part: a missing script must not answer with a document.
      return /^\/(?:assets\/|[^/]*\.)/.test(path) ? undefined : known.get('index.html')
    },
  }
}

async function readAssets(folders: readonly string[]): Promise<ReadonlyMap<string, Asset>> {
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true }).catch((): string[] => [])
    if (!names.includes('index.html')) continue
    const entries = names.filter(name => extname(name) in TYPES).map(async name => [name.split(sep).join('/'), await readAsset(folder, name)] as const)
    return new Map(await Promise.all(entries))
  }
  return new Map([['index.html', unbuilt]])
}

async function readAsset(folder: string, name: string): Promise<Asset> {
  const isHashed = name.split(sep).join('/').startsWith(HASHED)
  return {
    body: new Uint8Array(await readFile(join(folder, name))),
    headers: { ...SAFETY, 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'cache-control': isHashed ? FOREVER : 'no-cache' },
  }
}

const unbuilt: Asset = {
  body: new TextEncoder().encode('<!doctype html><title>Troupe</title><p>The inspector is not built yet: run <code>npm run build:ui</code>, then start the server again.</p>'),
  headers: { ...SAFETY, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' },
}
