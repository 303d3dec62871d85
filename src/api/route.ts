import type { z } from 'zod'
import { operations } from '../core/client/client.ts'
import type { CallOptions, Client, OperationName } from '../core/client/client.ts'
import type { Caller, Operation } from '../core/client/operation.ts'

/** Where the operations stand. */
export const BASE = '/api/v1'

/** Fields of an input that are headers. */
export const headersOf: Readonly<Record<string, string>> = { idempotencyKey: 'Idempotency-Key', traceparent: 'traceparent' }

/** An operation as HTTP has it. */
export interface Route extends Omit<Operation, 'http'> {
  /** Unique among all routes; of an operation its name in the client. */
  readonly name: string
  readonly method: string
  /** From the root of the server, with `{name}` for parameters: `{machine}/{key}` for an address. */
  readonly path: string
  call(visitor: Visitor, input: Record<string, unknown>, options?: CallOptions): unknown
}

/** Who calls, and the client made for that caller. */
export interface Visitor {
  readonly caller: Caller
  readonly client: Client
}

type Call = (input: Record<string, unknown>, options?: CallOptions) => unknown

function routeOf(name: OperationName, { http, ...operation }: Operation): Route {
  const [method = '', path = ''] = http.split(' ')
  return { ...operation, name, method, path: BASE + path.replace('{address}', '{machine}/{key}'), call: ({ client }, input, options) => (client[name] as Call)(input, options) }
}

export const operationRoutes: readonly Route[] = Object.entries(operations).map(([name, operation]) => routeOf(name as OperationName, operation))

export const paramsOf = (path: string): readonly string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** Schemas of the fields of an input; all inputs are objects. */
export const fieldsOf = ({ input }: Pick<Operation, 'input'>): Readonly<Record<string, z.ZodType>> => (input as z.ZodObject).shape as Readonly<Record<string, z.ZodType>>

/** Whether what is not in the path is the query. */
export const readsQuery = ({ method }: Pick<Route, 'method'>): boolean => method === 'GET' || method === 'DELETE'
