import { z } from 'zod'
import { streams } from './operation.ts'
import { address, cursor, json, seq, step } from './views.ts'
import { stepFilter } from './webhooks.ts'

const text = z.string()
const stream = streams('live')

/** A step of any actor, as it was committed. */
export const liveStep = step.omit({ context: true, output: true }).extend({
  /** Position in all journals: where to go on from. */
  cursor,
  address, machine: text, run: address,
}).meta({ id: 'LiveStep' })

export const liveOperations = {
  /** One actor, from a step on: nothing that is retained is missed, however slow the reader. Ends when the actor does. */
  watch: stream({
    http: 'GET /actors/{address}/live', summary: 'Steps of one actor as they are committed, each with the state after it',
    input: z.strictObject({ address, /** Steps above it; default: the present. */ from: seq.optional(), /** Also what running tasks tell; not kept. */ progress: z.boolean().optional(), /** With context and output. */ full: z.boolean().optional() }),
    output: z.discriminatedUnion('type', [
      z.object({ type: z.literal('step'), address, step }),
      z.object({ type: z.literal('progress'), address, task: text, attempt: z.int(), progress: json }),
    ]),
  }),
  /** Many actors, from a cursor on. Does not end by itself. */
  follow: stream({
    http: 'GET /live', summary: 'Steps of all actors of a filter as they are committed',
    input: z.strictObject({ ...stepFilter.shape, /** Where to go on; default: the present. */ from: cursor.optional() }),
    output: z.discriminatedUnion('type', [
      z.object({ type: z.literal('step'), step: liveStep }),
      /** All before it has been given; comes first, and from time to time where no step passes the filter. */
      z.object({ type: z.literal('cursor'), cursor }),
    ]),
  }),
}

