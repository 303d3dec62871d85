import type { z } from 'zod'
import { actorOperations } from './actors.ts'
import { guestOperations } from './guests.ts'
import { liveOperations } from './live.ts'
import type { Operation } from './operation.ts'
import { peopleOperations } from './people.ts'
import { systemOperations } from './system.ts'
import { webhookOperations } from './webhooks.ts'

/** All that can be asked of a running Troupe: the one door of API, inspector and command line. */
export const operations = { ...actorOperations, ...peopleOperations, ...systemOperations, ...webhookOperations, ...liveOperations, ...guestOperations } satisfies Readonly<Record<string, Operation>>

type Operations = typeof operations
export type OperationName = keyof Operations
export type StreamName = { [TName in OperationName]: Operations[TName]['stream'] extends true ? TName : never }[OperationName]

/** What goes in, and what comes out: of a stream, one item. */
export type InputOf<TName extends OperationName> = z.input<Operations[TName]['input']>
export type OutputOf<TName extends OperationName> = z.output<Operations[TName]['output']>

export interface CallOptions {
  /** Ends the call, or the stream. */
  readonly signal?: AbortSignal
}

/**
 * A running Troupe, in this process (`runtime.client()`) or behind a server (`createClient({ url })` of `troupe/client`). Everything
 * that goes in and comes out is plain JSON. Throws `TroupeError`, wherever it comes from.
 *
 * @example
 * await client.sendEvent({ address: 'order/42', event: { type: 'PAY' } })
 * for await (const item of client.watch({ address: 'order/42' })) console.log(item)
 */
export type Client = {
  readonly [TName in Exclude<OperationName, StreamName>]: (input: InputOf<TName>, options?: CallOptions) => Promise<OutputOf<TName>>
} & {
  readonly [TName in StreamName]: (input: InputOf<TName>, options?: CallOptions) => AsyncIterable<OutputOf<TName>>
}
