import { z } from 'zod'
import { cursor } from '../../core/client/views.ts'
import { streamNames } from './open-stream.ts'

/** The messages of `/ws`; docs/api.md and the AsyncAPI document are made of them. */

const id = z.string().min(1).max(100)
const position = z.union([cursor, z.int().min(0)])

export const subscribe = z.strictObject({
  type: z.literal('subscribe'),
  /** Chosen by the client, one for each stream that is open. */
  id,
  operation: z.enum(streamNames as [string, ...string[]]),
  /** As in HTTP; `from` is where to go on. */
  input: z.record(z.string(), z.unknown()).optional(),
  /** Another name for `input.from`. */
  resumeFrom: position.optional(),
})
export const unsubscribe = z.strictObject({ type: z.literal('unsubscribe'), id })
export const pong = z.strictObject({ type: z.literal('pong') })
/** To `/ws/workflows/{id}` only: its stream begins again, after this step. */
export const resume = z.strictObject({ type: z.literal('resume').optional(), resumeFrom: position })

export const clientMessage = z.union([z.discriminatedUnion('type', [subscribe, unsubscribe, pong]), resume])
export type ClientMessage = z.output<typeof clientMessage>

const problem = z.looseObject({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string() })

export const serverMessages = {
  /** The stream is open; `from` is where it begins, null where its first item says so. */
  open: z.object({ type: z.literal('open'), id, from: position.nullable() }),
  item: z.object({ type: z.literal('item'), id, item: z.looseObject({ type: z.string() }) }),
  /** There will be no more items. */
  end: z.object({ type: z.literal('end'), id }),
  /** The stream has failed; without an id: a message was not understood. */
  error: z.object({ type: z.literal('error'), id: id.nullable(), problem }),
  /** To be answered with a pong. */
  ping: z.object({ type: z.literal('ping') }),
}
export type ServerMessage = { [TName in keyof typeof serverMessages]: z.input<(typeof serverMessages)[TName]> }[keyof typeof serverMessages]
