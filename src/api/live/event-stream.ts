import type { Client } from '../../core/client/client.ts'
import { problemOf } from '../problem.ts'
import type { LiveLimits } from './limits.ts'
import { openStream, positionAfter } from './open-stream.ts'
import type { LiveItem, StreamName } from './open-stream.ts'

export interface EventRequest {
  readonly client: Client
  readonly operation: StreamName
  readonly input: Readonly<Record<string, unknown>>
  /** Header `Last-Event-ID`: an `EventSource` that connects again goes on there, whatever `from` its URL still has. */
  readonly lastEventId: string | undefined
  /** Of problems that come later. */
  readonly instance: string
  readonly requestId: string
  /** The request is over. */
  readonly signal: AbortSignal
  /** Called once when the stream has ended. */
  readonly onEnd?: () => void
}

type Controller = ReadableStreamDefaultController<Uint8Array>

const encoder = new TextEncoder()
const frame = (fields: Readonly<Record<string, string | number | undefined>>): Uint8Array =>
  encoder.encode(`${Object.entries(fields).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\n`).join('')}\n`)
const HEARTBEAT = encoder.encode(': still here\n\n')
const END = frame({ event: 'end', data: '{}' })

/** Items as they were written last: many clients are sent the same ones. */
const written = new WeakMap<LiveItem, Uint8Array>()

function itemFrame(item: LiveItem): Uint8Array {
  const known = written.get(item)
  if (known) return known
  const made = frame({ id: positionAfter(item), event: item.type, data: JSON.stringify(item) })
  written.set(item, made)
  return made
}

function inputOf({ operation, input, lastEventId }: EventRequest): Readonly<Record<string, unknown>> {
  if (lastEventId === undefined || lastEventId === '') return input
  return { ...input, from: operation === 'watch' ? Number(lastEventId) : lastEventId }
}

/**
 * A stream as server-sent events: `id` is the position after the item, `event` its type, `data` the item; `end` comes when there will be
 * no more, `problem` with problem details when the stream has failed. The next item is taken only when the client has read the one
 * before: one that stands still costs two items of memory, and catches up from the journal. Throws what is wrong with the request.
 */
export async function eventStream(request: EventRequest, limits: LiveLimits): Promise<Response> {
  const ending = new AbortController()
  const signal = AbortSignal.any([request.signal, ending.signal])
  const { from, isOver, items } = await openStream(request.client, request.operation, inputOf(request), { signal })
  // The one answer upon which an EventSource does not come again.
  if (isOver && request.lastEventId) return new Response(null, { status: 204 })
  const iterator = items[Symbol.asyncIterator]()
  // All streams but those of one actor begin with an item: so a wrong position is an answer of its own.
  let first = from === null ? await iterator.next() : undefined
  /** What to write next, and whether it is the last. */
  const take = async (): Promise<{ readonly bytes?: Uint8Array; readonly isLast: boolean }> => {
    try {
      const next = first ?? (await iterator.next())
      first = undefined
      if (!next.done) return { bytes: itemFrame(next.value), isLast: false }
      return { ...(!signal.aborted && { bytes: END }), isLast: true }
    } catch (error) {
      return { bytes: frame({ event: 'problem', data: JSON.stringify(problemOf(error, request.instance, request.requestId)) }), isLast: true }
    }
  }
  let heartbeat: NodeJS.Timeout | undefined
  const end = (): void => {
    clearInterval(heartbeat)
    ending.abort()
    request.onEnd?.()
  }
  request.signal.addEventListener('abort', end)
  const source = {
    start(controller: Controller) {
      controller.enqueue(frame({ retry: limits.retryMs, id: from ?? undefined }))
      // Not to one who has not read the last one.
      heartbeat = setInterval(() => controller.desiredSize === 0 && controller.enqueue(HEARTBEAT), limits.heartbeatMs)
    },
    async pull(controller: Controller) {
      const { bytes, isLast } = await take()
      if (controller.desiredSize === null) return
      if (bytes) controller.enqueue(bytes)
      if (!isLast) return
      end()
      controller.close()
    },
    cancel: end,
  }
  const body = new ReadableStream(source, { highWaterMark: 0 })
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' } })
}
