import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Hono } from 'hono'
import type { Env } from './answer.ts'
import { asyncApi } from './live/async-api.ts'
import { describeRoutes } from './openapi.ts'
import type { Route } from './route.ts'

/** Copied here by `npm run build`; in the sources they are where the package manager put them. */
const BUILT = new URL('./swagger-ui/', import.meta.url)

const FILES: Readonly<Record<string, string>> = { 'swagger-ui.css': 'text/css; charset=utf-8', 'swagger-ui-bundle.js': 'text/javascript; charset=utf-8' }

/** Swagger UI styles its elements one by one, and draws with images in its stylesheet. */
const POLICY = `default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Troupe API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true, tryItOutEnabled: true, validatorUrl: null, docExpansion: 'list' })\n`

interface File {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

const fileOf = (body: File['body'], type: string): File => ({ body, headers: { 'content-type': type, 'content-security-policy': POLICY, 'cache-control': 'no-cache', etag: `"${hash('sha1', body, 'base64url')}"` } })

/** `/openapi.json`, a page made of it at `/api/docs`, and `/asyncapi.json`: all of it from here, nothing from elsewhere. */
export function mountDocs(app: Hono<Env>, routes: readonly Route[], version: string): void {
  // Made when they are first asked for, and then kept: whoever asks needs no key, and should cost little.
  const serve = (path: string, make: () => File | Promise<File>): void => {
    let made: File | undefined
    app.get(path, async context => {
      const { body, headers } = (made ??= await make())
      return context.req.header('if-none-match') === headers['etag'] ? context.body(null, 304, headers) : context.body(body, 200, headers)
    })
  }
  serve('/openapi.json', () => fileOf(JSON.stringify(describeRoutes(routes, version)), 'application/json'))
  serve('/asyncapi.json', () => fileOf(JSON.stringify(asyncApi(version)), 'application/json'))
  serve('/api/docs', () => fileOf(PAGE, 'text/html; charset=utf-8'))
  serve('/api/docs/start.js', () => fileOf(START, 'text/javascript; charset=utf-8'))
  for (const [name, type] of Object.entries(FILES)) serve(`/api/docs/${name}`, async () => fileOf(await readAsset(name), type))
}

async function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await readFile(new URL(name, BUILT)).catch(() => readFile(new URL(name, import.meta.resolve('swagger-ui-dist/package.json'))))
  return new Uint8Array(found)
}
