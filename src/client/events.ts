import { TroupeError } from '../core/errors.ts'
import { errorOf } from './problem.ts'
import { send } from './request.ts'
import type { Remote } from './request.ts'
import { Cut } from './stream.ts'
import type { Open } from './stream.ts'

/** Longest item taken, in characters. */
const EVENT_CHARS_MAX = 64 << 20

interface ServerEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: string
}

/** Server-sent events, one by one; comments are skipped. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let text = ''
  const reader = body.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    text += decoder.decode(read.value, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    if (text.length > EVENT_CHARS_MAX) throw new TroupeError('payload/too-large', `an event has more than ${EVENT_CHARS_MAX} characters`)
    for (const block of blocks) {
      const fields = new Map(block.split('\n').filter(line => !line.startsWith(':')).map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
      if (fields.size > 0) yield { id: fields.get('id'), event: fields.get('event') ?? 'message', data: fields.get('data') ?? '' }
    }
  }
}

/** A stream as server-sent events: where there is no WebSocket. */
export const openEvents = (remote: Remote): Open =>
  async function* (operation, input, signal) {
    const ending = new AbortController()
    try {
      const response = await send(remote, operation, input, { accept: 'text/event-stream' }, AbortSignal.any([signal, ending.signal]))
      if (!response.body) return
      for await (const { id, event, data } of eventsOf(response.body)) {
        if (event === 'end') return
        if (event === 'problem') throw errorOf(JSON.parse(data), 500, remote.url)
        if (data !== '') yield { item: JSON.parse(data) }
        else if (id !== undefined) yield { from: operation === 'watch' ? Number(id) : id }
      }
      throw new Cut(false)
    } catch (error) {
      if (error instanceof Cut || (error instanceof TroupeError && error.code !== 'server/unreachable')) throw error
      throw new Cut(false, error)
    } finally {
      ending.abort()
    }
  }
