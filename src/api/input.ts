import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from 'hono'
import type { z } from 'zod'
import { TroupeError } from '../core/errors.ts'
import type { Env } from './answer.ts'
import { serverLimits } from './limits.ts'
import { Refusal } from './problem.ts'
import { fieldsOf, headersOf, paramsOf, readsQuery } from './route.ts'
import type { Route } from './route.ts'
import { parseStrictJson } from './strict-json.ts'

type Input = Record<string, unknown>

const invalid = (message: string): TroupeError => new TroupeError('request/invalid', message)

/** Prepares how a route's input is made of path, query, headers and body. What the fields may hold is the client's to check. */
export function inputReader(route: Route): (context: Context<Env>) => Promise<Input> {
  const fields = fieldsOf(route)
  const params = paramsOf(route.path)
  const kinds = new Map(Object.entries(fields).map(([name, schema]) => [name, kindOf(schema)]))
  const headers = Object.entries(headersOf).filter(([name]) => name in fields).map(([name, header]) => [name, header.toLowerCase()] as const)
  return async context => {
    const input: Input = readsQuery(route) ? readQuery(context, kinds) : await readBody(context)
    const set = (name: string, value: string): void => {
      if (name in input) throw invalid(`${name} stands in the path or a header and cannot be given again`)
      input[name] = value
    }
    if (params[0] === 'machine' && params[1] === 'key') set('address', `${context.req.param('machine')}/${context.req.param('key')}`)
    else for (const name of params) set(name, context.req.param(name) ?? '')
    for (const [name, header] of headers) {
      const value = context.env.incoming.headers[header]
      if (typeof value === 'string') set(name, value)
    }
    return input
  }
}

function kindOf(schema: z.ZodType): string {
  const { type, innerType } = schema.def as { readonly type: string; readonly innerType?: z.ZodType }
  return innerType ? kindOf(innerType) : type
}

function readQuery({ env }: Context<Env>, kinds: ReadonlyMap<string, string>): Input {
  const input: Input = {}
  const url = env.incoming.url ?? ''
  const start = url.indexOf('?')
  if (start < 0) return input
  const query = new URLSearchParams(url.slice(start))
  for (const name of new Set(query.keys())) {
    const kind = kinds.get(name)
    if (kind === undefined) throw invalid(`${JSON.stringify(name.slice(0, 100))} is not a parameter of this request; there are ${[...kinds.keys()].join(', ') || 'none'}`)
    const values = query.getAll(name)
    const [value = ''] = values
    if (kind === 'array') input[name] = values
    else if (values.length > 1) throw invalid(`${name} stands ${values.length} times in the query`)
    else input[name] = plain(value, kind)
  }
  return input
}

/** A value of the query as JSON would have it; what does not fit stays text, and is refused as such. */
function plain(value: string, kind: string): unknown {
  if (kind === 'number' && /^-?\d+(?:\.\d+)?$/.test(value)) return Number(value)
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

async function readBody({ req, env }: Context<Env>): Promise<Input> {
  const { headers } = env.incoming
  const bytes = await readBytes(req.raw, headers)
  if (bytes.byteLength === 0) return {}
  const type = headers['content-type'] ?? ''
  if (!/^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(type)) throw new Refusal(415, 'request/invalid', `the body must be application/json in UTF-8, not ${type ? JSON.stringify(type.slice(0, 100)) : 'without a content type'}`)
  const body = parseStrictJson(bytes)
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('the body must be a JSON object')
  return body as Input
}

/** A length that is told is held by Node's parser; only what comes in chunks has to be counted. */
async function readBytes(request: Request, headers: IncomingHttpHeaders): Promise<ArrayBuffer> {
  const { 'content-encoding': encoding, 'content-length': length } = headers
  if (encoding !== undefined && encoding !== 'identity') throw new Refusal(415, 'request/invalid', `the body must be sent as it is, not with Content-Encoding ${JSON.stringify(encoding.slice(0, 100))}`)
  if (length !== undefined) {
    if (Number(length) > serverLimits.bodyBytesMax) throw tooLarge()
    return request.arrayBuffer()
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > serverLimits.bodyBytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  return new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()
}

const tooLarge = (): Refusal => new Refusal(413, 'payload/too-large', `the body has more than ${serverLimits.bodyBytesMax} bytes`, { connection: 'close' })
