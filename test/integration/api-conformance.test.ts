/** The server, called by its own API document: with input that it allows and input that it does not. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../src/api/app.ts'
import { describeRoutes } from '../../src/api/openapi.ts'
import type { OpenApiDocument, OpenApiOperation } from '../../src/api/openapi.ts'
import type { Problem } from '../../src/api/problem.ts'
import { operations } from '../../src/core/client/client.ts'
import { objectsOf, spoiled, valuesOf } from '../support/api/arbitrary.ts'
import type { Pool, Schema } from '../support/api/arbitrary.ts'
import { serve } from '../support/api/served.ts'
import type { Answer, Served } from '../support/api/served.ts'

const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 2 ** 31)
const RUNS = 25
/** Failures of what was asked of, not of the server. */
const ALLOWED_5XX = ['event/poisoned', 'ask/timeout', 'store/failed']

/** What there is, beside what there is not: most calls are to find something. */
const pool: Pool = {
  machine: ['purse', 'breaker', 'approval', 'none'], name: ['purse', 'approval', 'none'], pattern: ['purse'], key: ['1', '2', 'a/b c', '%', '..', 'ü', 'none'],
  address: ['purse/1', 'purse/2', 'breaker/1', 'none/1', 'purse/none', 'purse'], run: ['purse/1', 'breaker/1'], id: ['purse/1', 'purse', 'breaker', 'none'],
  event: [{ type: 'put', cents: 1 }, { type: 'put' }, { type: 'close' }, { type: 'break' }, { type: 'xstate.init' }, { type: 'none' }],
  timeoutMs: [1, 50], graceMs: [0, 10], seq: [0, 1, 2], at: [0, 1, 2, 1_000], from: [0, 1], dryRun: [true, false], 'Idempotency-Key': ['k1', 'k2', ''],
}

const document = describeRoutes(routes, '0.0.0')
const all = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })))
const streams = new Set(routes.filter(({ stream }) => stream).map(({ name }) => name))

let world: Served
const strays: unknown[] = []
beforeAll(async () => {
  world = await serve({ onError: error => void strays.push(error) })
  for (const [machine, key] of [['purse', '1'], ['purse', '2'], ['breaker', '1']]) await world.call('POST', '/api/v1/actors', { machine, key })
})
afterAll(() => world[Symbol.asyncDispose]())

describe('the API document', () => {
  test('is valid OpenAPI 3.1, as it is served', async () => {
    const { body } = await world.call('GET', '/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0', paths: document.paths })
    expect(await new Validator().validate(body)).toEqual({ valid: true })
  })

  test('has every operation, each under its name', () => {
    expect(all.map(({ operation }) => operation.operationId)).toEqual(expect.arrayContaining(Object.keys(operations)))
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(routes.length)
  })
})

const ajv = new Ajv2020({ strict: false, allErrors: false })
addFormats.default(ajv)
ajv.addSchema({ $id: 'api', components: document.components } as object)

/** The schema of an answer, compiled. */
function checkOf({ components }: OpenApiDocument, schema: Schema): ValidateFunction {
  return ajv.compile(JSON.parse(JSON.stringify({ ...schema, components })) as object)
}
const checkProblem = checkOf(document, { $ref: '#/components/schemas/Problem' })

interface Request {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Requests for an operation: with what the document says, or something near it. */
function requestsOf(path: string, { parameters, requestBody }: OpenApiOperation): fc.Arbitrary<Request> {
  const schemaOf = (place: string): Schema => {
    const here = parameters.filter(parameter => parameter.in === place)
    return { properties: Object.fromEntries(here.map(({ name, schema }) => [name, schema as Schema])), required: here.filter(({ required }) => required).map(({ name }) => name) }
  }
  const queries = objectsOf(schemaOf('query'), pool)
  const bodies = requestBody ? objectsOf(requestBody.content['application/json']?.schema as Schema, pool) : undefined
  const mostly = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: bad })
  return fc.record({
    inPath: objectsOf(schemaOf('path'), pool), query: mostly(queries, spoiled(queries)), headers: objectsOf(schemaOf('header'), pool),
    body: bodies ? mostly(bodies, spoiled(bodies)) : fc.constant(undefined),
  }).map(({ inPath, query, headers, body }) => ({
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(inPath[name])).replaceAll('.', '%2E') || '%20') + queryText(query),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value).replaceAll(/[^\u0020-\u007e]/g, '')])),
    body,
  }))
}

function queryText(query: unknown): string {
  const params = new URLSearchParams()
  if (typeof query === 'object' && query !== null) for (const [name, value] of Object.entries(query)) for (const one of Array.isArray(value) ? value : [value]) params.append(name, typeof one === 'string' ? one : JSON.stringify(one))
  return params.size > 0 ? `?${params.toString()}` : ''
}

function expectDocumented({ status, headers, body, text }: Answer, check: ValidateFunction): void {
  if (status === 304) return expect(text).toBe('')
  if (status === 200) {
    expect(headers.get('content-type')).toBe('application/json')
    if (!check(body)) expect.fail(`${JSON.stringify(check.errors)}: ${text.slice(0, 500)}`)
    return
  }
  expect(headers.get('content-type')).toBe('application/problem+json')
  if (!checkProblem(body)) expect.fail(`${JSON.stringify(checkProblem.errors)}: ${text.slice(0, 500)}`)
  const problem = body as Problem
  expect(problem.status).toBe(status)
  if (status >= 500) expect(ALLOWED_5XX, text).toContain(problem.code)
}

describe(`each operation answers as the document says, seed ${seed}`, () => {
  let done = 0
  let refused = 0

  test.each(all.filter(({ operation }) => !streams.has(operation.operationId)))('$method $path', async ({ method, path, operation }) => {
    const { schema } = (operation.responses['200'] as { readonly content: { readonly 'application/json': { readonly schema: Schema } } }).content['application/json']
    const check = checkOf(document, schema)
    await fc.assert(
      fc.asyncProperty(requestsOf(path, operation), async request => {
        const answer = await world.call(method, request.path, request.body, request.headers)
        if (answer.status === 200) done++
        else refused++
        expectDocumented(answer, check)
      }),
      { seed, numRuns: RUNS },
    )
  })

  // Were nothing refused, or nothing answered, the cases above would show little.
  test('calls were answered and refused, both often', () => {
    expect(done).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(200)
    expect(strays).toEqual([])
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

test('values that a schema allows are those that its check lets pass', () => {
  const { schema } = (document.paths['/api/v1/actors']?.['post']?.requestBody?.content['application/json'] ?? {}) as { readonly schema: Schema }
  const check = checkOf(document, schema)
  fc.assert(fc.property(valuesOf(schema, {}), value => check(value)), { seed })
})
