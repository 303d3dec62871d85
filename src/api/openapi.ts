import { z } from 'zod'
import { errorKinds } from '../core/errors.ts'
import { errorInfo } from '../core/client/views.ts'
import { PROBLEM_TYPE } from './problem.ts'
import { fieldsOf, headersOf, paramsOf, readsQuery } from './route.ts'
import type { Route } from './route.ts'
import { Components } from './components.ts'
import type { Schema } from './components.ts'

/** A document of OpenAPI 3.1, as JSON. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly [kind: string]: unknown }
  readonly [member: string]: unknown
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query' | 'header'; readonly required: boolean; readonly schema: Schema }[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<Record<string, unknown>>
  readonly [member: string]: unknown
}

const problem = z
  .object({
    type: z.string(), title: z.string(), status: z.int(), detail: z.string(), instance: z.string(),
    code: z.enum(Object.keys(errorKinds)), address: z.string().optional(), details: z.unknown().optional(), cause: errorInfo.optional(), remedy: z.string(), requestId: z.string(),
  })
  .meta({ id: 'Problem' })

const ABOUT = `Everything that can be asked of a running Troupe. An address \`machine/key\` stands in a path as two segments, each percent-encoded.
Errors are problem details (RFC 9457); their \`code\` is that of docs/errors.md. A page that is not the last has a \`cursor\`, and a \`Link\` with \`rel="next"\`.`

/** The document of some routes, generated from their schemas. */
export function describeRoutes(routes: readonly Route[], version: string): OpenApiDocument {
  const components = new Components()
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = describe(route, components)
  components.add(problem, 'output')
  return {
    openapi: '3.1.0',
    info: { title: 'Troupe', version, description: ABOUT },
    // Loopback without keys wants none.
    security: [{}, { key: [] }],
    tags: [...new Set(routes.map(({ group }) => group))].map(name => ({ name })),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key, `tr_…`' } },
      responses: { Problem: { description: 'It was refused, or has failed', content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } } },
    },
  }
}

function describe(route: Route, components: Components): OpenApiOperation {
  const { properties = {}, required = [] } = components.add(route.input, 'input') as { readonly properties?: Record<string, Schema>; readonly required?: readonly string[] }
  const inPath = paramsOf(route.path)
  const inHeaders = Object.keys(headersOf).filter(name => name in fieldsOf(route))
  const rest = Object.keys(properties).filter(name => name !== 'address' || !inPath.includes('key')).filter(name => !inPath.includes(name) && !inHeaders.includes(name))
  const problems = { '4XX': { $ref: '#/components/responses/Problem' }, '5XX': { $ref: '#/components/responses/Problem' } }
  return {
    operationId: route.name,
    summary: route.summary,
    description: `Role: ${route.role}.`,
    tags: [route.group],
    parameters: [
      ...inPath.map(name => ({ name, in: 'path' as const, required: true, schema: properties[name] ?? { type: 'string', minLength: 1 } })),
      ...(readsQuery(route) ? rest.map(name => ({ name, in: 'query' as const, required: required.includes(name), schema: properties[name] ?? {} })) : []),
      ...inHeaders.map(name => ({ name: headersOf[name] ?? name, in: 'header' as const, required: false, schema: properties[name] ?? {} })),
      ...(route.method === 'GET' && !route.stream ? [{ name: 'If-None-Match', in: 'header' as const, required: false, schema: { type: 'string' } }] : []),
    ],
    ...(!readsQuery(route) && rest.length > 0 && {
      requestBody: {
        required: rest.some(name => required.includes(name)),
        content: { 'application/json': { schema: { type: 'object', properties: Object.fromEntries(rest.map(name => [name, properties[name]])), required: rest.filter(name => required.includes(name)), additionalProperties: false } } },
      },
    }),
    responses: {
      200: { description: route.stream ? 'Items as they come' : 'Done', content: { [route.stream ? 'text/event-stream' : 'application/json']: { schema: components.add(route.output, 'output') } } },
      ...(route.method === 'GET' && !route.stream && { 304: { description: 'As `If-None-Match` has it' } }),
      ...problems,
    },
  }
}
