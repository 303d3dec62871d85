import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Context, Hono } from 'hono'
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

/** `/openapi.json` and `/asyncapi.json`, and a page made of it at `/api/docs`: all of it from here, nothing from elsewhere. */
export function mountDocs(app: Hono<Env>, routes: readonly Route[], version: string): void {
  let text: string | undefined
  const document = (): string => (text ??= JSON.stringify(describeRoutes(routes, version)))
  const serve = (context: Context, body: string | Uint8Array<ArrayBuffer>, type: string): Response => {
    const tag = `"${hash('sha1', body, 'base64url')}"`
    const headers = { 'content-type': type, 'content-security-policy': POLICY, 'cache-control': 'no-cache', etag: tag }
    return context.req.header('if-none-match') === tag ? context.body(null, 304, headers) : context.body(body, 200, headers)
  }
  app.get('/openapi.json', context => serve(context, document(), 'application/json'))
  let live: string | undefined
  app.get('/asyncapi.json', context => serve(context, (live ??= JSON.stringify(asyncApi(version))), 'application/json'))
  app.get('/api/docs', context => serve(context, PAGE, 'text/html; charset=utf-8'))
  app.get('/api/docs/start.js', context => serve(context, START, 'text/javascript; charset=utf-8'))
  for (const [name, type] of Object.entries(FILES)) app.get(`/api/docs/${name}`, async context => serve(context, await readAsset(name), type))
}

async function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await readFile(new URL(name, BUILT)).catch(() => readFile(new URL(name, import.meta.resolve('swagger-ui-dist/package.json'))))
  return new Uint8Array(found)
}
