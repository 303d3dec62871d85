import type { z } from 'zod'

/** From least to most: each may do all that those before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Whether a role may do what asks for another one at least. */
export const isAllowed = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed)

/** Who calls. A name comes from a credential, or is null: then nobody has said who it is (this process, or loopback without keys). */
export interface Caller {
  readonly name: string | null
  readonly role: Role
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/**
 * One thing that can be asked of a running Troupe. Server, client, command line and access control are made of these rows:
 * who may call it, where it stands in HTTP (below `/api/v1`), what goes in and what comes out.
 *
 * `{address}` in a path stands for two segments, `{machine}/{key}`, each percent-encoded. What is not in the path is the query of
 * a `GET` or `DELETE` and the JSON body of everything else; `idempotencyKey` is the header `Idempotency-Key`.
 */
export interface Operation<TInput extends z.ZodType = z.ZodType, TOutput extends z.ZodType = z.ZodType> {
  readonly role: Role
  readonly http: `${Method} /${string}`
  readonly summary: string
  /** Heading under which it is documented. */
  readonly group: string
  readonly input: TInput
  /** Of a stream: one item. */
  readonly output: TOutput
  /** Whether it changes anything: such calls are audited. */
  readonly mutates: boolean
  /** Items as they come: server-sent events and WebSocket. */
  readonly stream: boolean
}

type Row<TInput extends z.ZodType, TOutput extends z.ZodType> = Pick<Operation<TInput, TOutput>, 'role' | 'http' | 'summary' | 'input' | 'output'>

/** Reads: anybody who may look. */
export const reads = (group: string) => <TInput extends z.ZodType, TOutput extends z.ZodType>(row: Omit<Row<TInput, TOutput>, 'role'> & { readonly role?: Role }) =>
  ({ role: 'viewer', ...row, group, mutates: false, stream: false }) as const

export const changes = (group: string) => <TInput extends z.ZodType, TOutput extends z.ZodType>(row: Omit<Row<TInput, TOutput>, 'role'> & { readonly role?: Role }) =>
  ({ role: 'operator', ...row, group, mutates: true, stream: false }) as const

export const streams = (group: string) => <TInput extends z.ZodType, TOutput extends z.ZodType>(row: Omit<Row<TInput, TOutput>, 'role'>) =>
  ({ role: 'viewer', ...row, group, mutates: false, stream: true }) as const
