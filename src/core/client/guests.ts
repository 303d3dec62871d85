import { z } from 'zod'
import { reads, streams } from './operation.ts'
import { actorStatus, chart, cursor, json, time } from './views.ts'

/** Actors of plain XState apps that report to this server in the protocol of Stately's inspector: shown, never steered. */

const text = z.string()
const name = z.string().max(200)
const read = reads('guests')

/** Of one actor, as it is now. */
export const guestInfo = z
  .object({
    /** `source:session`: sessions are unique in their app only. */
    id: text, source: text, name: text, root: text.nullable(), parent: text.nullable(),
    status: actorStatus, states: z.array(text), tags: z.array(text),
    /** Whether its app is still connected. */
    isConnected: z.boolean(), events: z.int().min(0), createdAt: time, updatedAt: time,
  })
  .meta({ id: 'Guest' })

export const guestEntry = z
  .object({
    /** Rises by the order in which they came. */
    seq: z.int().min(0),
    at: time, kind: z.enum(['actor', 'event', 'snapshot']), type: text, event: json.nullable(), /** Who sent the event. */ from: text.nullable(),
    /** After it. */
    states: z.array(text), status: actorStatus,
  })
  .meta({ id: 'GuestEntry' })

const about = { sessionId: name, rootId: name.nullish(), createdAt: text.max(40).nullish() }
const event = z.looseObject({ type: z.string().max(1_000) })
const shown = z.looseObject({ status: text.max(40).nullish() }).nullish()

/** A message of `@statelyai/inspect` 0.7. */
export const statelyMessage = z.discriminatedUnion('type', [
  z.looseObject({ ...about, type: z.literal('@xstate.actor'), name: name.nullish(), parentId: name.nullish(), /** Config of the machine as JSON. */ definition: text.nullish(), snapshot: shown }),
  z.looseObject({ ...about, type: z.literal('@xstate.event'), event, sourceId: name.nullish() }),
  z.looseObject({ ...about, type: z.literal('@xstate.snapshot'), event: event.nullish(), snapshot: shown }),
])

export const guestOperations = {
  listGuests: read({ http: 'GET /guests', summary: 'Actors of other apps that report here, the last changed first', input: z.strictObject({}), output: z.object({ guests: z.array(guestInfo) }) }),
  guest: read({
    http: 'GET /guests/{id}', summary: 'An actor of another app: its state, its machine as far as it was told, and the latest of what it has told',
    input: z.strictObject({ id: text }),
    output: guestInfo.extend({ value: json.nullable(), context: json.nullable(), output: json.nullable(), error: json.nullable(), chart: chart.nullable(), entries: z.array(guestEntry) }),
  }),
  /** Not audited: it changes nothing of ours. */
  reportGuest: { ...read({ role: 'operator', http: 'POST /guests', summary: 'Tell of an actor of another app, as the WebSocket at /stately does', input: z.strictObject({ /** Names the app. */ source: name.min(1), /** Null: the app is gone. */ message: statelyMessage.nullable() }), output: z.object({ accepted: z.literal(true) }) }) },
  followGuests: streams('guests')({
    http: 'GET /guests-live', summary: 'What actors of other apps tell, as they tell it',
    input: z.strictObject({ from: cursor.optional() }),
    output: z.discriminatedUnion('type', [
      /** What was known is out of date: all guests follow. */
      z.object({ type: z.literal('start') }),
      z.object({ type: z.literal('guest'), /** Where to go on; none while all guests are told. */ cursor: cursor.optional(), guest: guestInfo, entry: guestEntry.nullable() }),
      z.object({ type: z.literal('gone'), cursor, id: text }),
      z.object({ type: z.literal('cursor'), cursor }),
    ]),
  }),
}
