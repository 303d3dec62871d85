import { z } from 'zod'
import { changes, reads } from './operation.ts'
import { actorInfo, actorStatus, address, cursor, errorInfo, eventView, json, limit, openTask, seq, snapshotView, step, time, timer } from './views.ts'

const read = reads('actors')
const change = changes('actors')

const text = z.string()
const idempotencyKey = z.string().min(1).max(255).optional()
const traceparent = z.string().max(100).optional()
const one = z.strictObject({ address })
const done = z.object({ address, seq })

/** Which actors; all conditions hold at once. */
export const actorFilter = z.strictObject({
  machine: text.optional(), status: actorStatus.optional(), state: text.optional(), tag: text.optional(), run: address.optional(),
  /** Part of the key. */
  text: z.string().min(1).max(200).optional(),
  /** Bounds of the time of the last change. */
  updatedBefore: time.optional(), updatedAfter: time.optional(),
})

const event = z.looseObject({ type: z.string().min(1).max(1_000) })

export const actorOperations = {
  listActors: read({
    http: 'GET /actors', summary: 'A page of actors',
    input: z.strictObject({ ...actorFilter.shape, order: z.enum(['oldest', 'newest']).optional(), cursor: cursor.optional(), limit: limit.optional() }),
    output: z.object({ actors: z.array(actorInfo), cursor: cursor.optional() }),
  }),
  tallyActors: read({
    http: 'GET /actors-tally', summary: 'How many actors there are, by machine, status and active states',
    input: actorFilter,
    output: z.object({ total: z.int(), groups: z.array(z.object({ machine: text, status: actorStatus, states: z.array(text), count: z.int() })) }),
  }),
  startActor: change({
    http: 'POST /actors', summary: 'Start an actor; the same start twice is one start',
    input: z.strictObject({ machine: text, /** Default: a random one, or one made of the idempotency key. */ key: text.optional(), input: json.optional(), idempotencyKey }),
    output: z.object({ address }),
  }),
  snapshot: read({ http: 'GET /actors/{address}', summary: 'The state of an actor, now or after a past step', input: z.strictObject({ address, at: seq.optional() }), output: snapshotView }),
  sendEvent: change({ http: 'POST /actors/{address}/events', summary: 'Send an event; answers when it is durable', input: z.strictObject({ address, event, idempotencyKey, traceparent }), output: z.object({ accepted: z.literal(true) }) }),
  askActor: change({
    http: 'POST /actors/{address}/ask', summary: 'Send an event and wait until it is processed, replied to, or a tag holds',
    input: z.strictObject({ address, event, until: z.union([z.literal('processed'), z.literal('reply'), z.strictObject({ tag: text })]).optional(), timeoutMs: z.int().min(1).max(300_000).optional(), idempotencyKey, traceparent }),
    output: snapshotView,
  }),
  result: read({ http: 'GET /actors/{address}/result', summary: 'Wait for the end, and get the output', input: z.strictObject({ address, timeoutMs: z.int().min(1).max(300_000).optional() }), output: z.object({ output: json.optional() }) }),
  listEvents: read({ http: 'GET /actors/{address}/events', summary: 'The events the machine knows: which are legal now, their schemas, and why others are not', input: z.strictObject({ address, /** As they were after a past step. */ at: seq.optional() }), output: z.object({ events: z.array(eventView) }) }),
  history: read({
    http: 'GET /actors/{address}/history', summary: 'Past steps, oldest first, each with the state after it',
    input: z.strictObject({ address, /** Steps above it. */ from: seq.optional(), limit: limit.optional(), /** With context and output after each step. */ full: z.boolean().optional() }),
    output: z.object({ steps: z.array(step), /** The last step there is. */ lastSeq: seq }),
  }),
  forkActor: change({ http: 'POST /actors/{address}/fork', summary: 'Start a new actor from the state after a past step', input: z.strictObject({ address, seq, key: text.optional(), idempotencyKey }), output: z.object({ address }) }),
  pauseActor: change({ http: 'POST /actors/{address}/pause', summary: 'Let events wait, and timers stand still', input: one, output: done }),
  resumeActor: change({ http: 'POST /actors/{address}/resume', summary: 'Go on, after a pause or with a failed actor whose cause is mended', input: one, output: done }),
  cancelActor: change({ http: 'POST /actors/{address}/cancel', summary: 'End it after time to clean up', input: z.strictObject({ address, graceMs: z.int().min(0).optional() }), output: done }),
  stopActor: change({ http: 'POST /actors/{address}/stop', summary: 'End it and all it has spawned, at once', input: one, output: done }),
  bulk: change({
    http: 'POST /actors-bulk', summary: 'Do one thing with all actors of a filter; a dry run counts them',
    input: z.strictObject({
      filter: actorFilter, action: z.enum(['pause', 'resume', 'cancel', 'stop', 'send']), event: event.optional(), dryRun: z.boolean().optional(),
      /** How many are expected: with more, nothing is done. */
      expected: z.int().min(0).optional(),
      idempotencyKey,
    }),
    output: z.object({ matched: z.int(), done: z.int(), failed: z.array(z.object({ address, error: errorInfo })) }),
  }),
  pending: read({
    http: 'GET /pending', summary: 'Timers and tasks that wait or run, actor by actor',
    input: z.strictObject({ machine: text.optional(), run: address.optional(), kind: z.enum(['timers', 'tasks']).optional(), cursor: cursor.optional(), limit: limit.optional() }),
    output: z.object({ timers: z.array(timer.extend({ address })), tasks: z.array(openTask.extend({ address })), cursor: cursor.optional() }),
  }),
  timeline: read({
    http: 'GET /runs/{address}/timeline', summary: 'A run as a whole: its actors, what they told each other, and how long states and tasks took',
    input: z.strictObject({ address, /** Steps of the run that are read, the first ones. Default 1,000. */ limit: limit.optional() }),
    output: z.object({
      actors: z.array(actorInfo),
      messages: z.array(z.object({ at: time, from: address.nullable(), to: address, type: text, seq, kind: text })),
      spans: z.array(z.object({ address, kind: z.enum(['state', 'task']), name: text, from: time, /** Null while it lasts. */ to: time.nullable(), outcome: z.enum(['done', 'failed', 'open']), attempts: z.int(), /** The step that began it. */ seq: seq.optional() })),
      /** False where there was more than the limit of steps or of actors. */
      isWhole: z.boolean(),
    }),
  }),
}
