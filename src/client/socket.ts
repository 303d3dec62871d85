import { TroupeError } from '../core/errors.ts'
import { Feed } from './feed.ts'
import { errorOf } from './problem.ts'
import { call } from './request.ts'
import type { Remote } from './request.ts'
import { Cut } from './stream.ts'
import type { Open } from './stream.ts'

/** The server pings each 15 s: after three of them the connection is dead, whatever the system says of it. */
const SILENCE_MS = 45_000
/** How long a connection that carries no stream is kept. */
const LINGER_MS = 1_000
const TOO_LARGE = 1009

type Reply =
  | { readonly type: 'ping' }
  | { readonly type: 'open'; readonly id: string; readonly from: unknown }
  | { readonly type: 'item'; readonly id: string; readonly item: unknown }
  | { readonly type: 'end'; readonly id: string }
  | { readonly type: 'error'; readonly id: string | null; readonly problem: { readonly status?: number } }

/** All streams of a client over one WebSocket, opened when it is needed. */
export class LiveSocket {
  readonly #remote: Remote
  readonly #WebSocket: typeof WebSocket
  readonly #feeds = new Map<string, Feed>()
  #socket: Promise<WebSocket> | undefined
  #ids = 0

  constructor(remote: Remote, constructor: typeof WebSocket) {
    this.#remote = remote
    this.#WebSocket = constructor
  }

  open: Open = (operation, input, signal) => this.#open(operation, input, signal)

  async *#open(operation: string, input: Readonly<Record<string, unknown>>, signal: AbortSignal): ReturnType<Feed['read']> {
    const id = `s${++this.#ids}`
    const feed = new Feed()
    const abort = (): void => feed.end()
    signal.addEventListener('abort', abort)
    const subscribed = this.#connect().then(
      socket => {
        if (feed.isOver) return undefined
        this.#feeds.set(id, feed)
        socket.send(JSON.stringify({ type: 'subscribe', id, operation, input }))
        return socket
      },
      (error: unknown) => {
        feed.end(error)
        return undefined
      },
    )
    try {
      yield* feed.read()
    } finally {
      signal.removeEventListener('abort', abort)
      void subscribed.then(socket => socket && this.#leave(socket, id))
    }
  }

  #leave(socket: WebSocket, id: string): void {
    if (this.#feeds.delete(id) && socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: 'unsubscribe', id }))
    setTimeout(() => this.#feeds.size === 0 && socket.close(), LINGER_MS)
  }

  #connect(): Promise<WebSocket> {
    return (this.#socket ??= this.#dial().catch(async (cause: unknown) => {
      this.#socket = undefined
      // A browser does not say why a WebSocket was refused: a call does.
      await call(this.#remote, 'whoAmI', {}).catch((error: unknown) => {
        throw error instanceof TroupeError && error.code !== 'server/unreachable' ? error : new Cut(false, error)
      })
      throw new Cut(false, cause)
    }))
  }

  #dial(): Promise<WebSocket> {
    const { url, key } = this.#remote
    const socket = new this.#WebSocket(`${url.replace(/^http/, 'ws')}/ws`, key === undefined ? [] : ['troupe', `troupe.key.${encodeURIComponent(key)}`])
    let heardAt = Date.now()
    return new Promise((resolve, reject) => {
      const watchdog = setInterval(() => Date.now() - heardAt > SILENCE_MS && (socket.close(), cut()), SILENCE_MS / 3)
      const cut = (code?: number): void => {
        clearInterval(watchdog)
        reject(new Error('the WebSocket was refused, by the server or on the way to it'))
        this.#socket = undefined
        const error = code === TOO_LARGE ? new TroupeError('payload/too-large', 'the server takes no message as long as this subscription') : new Cut(false)
        for (const feed of this.#feeds.values()) feed.end(error)
        this.#feeds.clear()
      }
      socket.addEventListener('open', () => resolve(socket))
      socket.addEventListener('close', ({ code }) => cut(code))
      socket.addEventListener('error', () => cut())
      socket.addEventListener('message', ({ data }) => {
        heardAt = Date.now()
        if (typeof data === 'string') this.#hear(socket, JSON.parse(data) as Reply, data.length)
      })
    })
  }

  #hear(socket: WebSocket, reply: Reply, chars: number): void {
    if (reply.type === 'ping') return socket.send('{"type":"pong"}')
    const feed = this.#feeds.get(reply.id ?? '')
    if (!feed) return
    if (reply.type === 'open') feed.put({ from: reply.from }, chars)
    else if (reply.type === 'item') feed.put({ item: reply.item }, chars)
    else feed.end(reply.type === 'error' ? errorOf(reply.problem, reply.problem.status ?? 500, this.#remote.url) : undefined)
    if (!feed.isOver) return
    this.#feeds.delete(reply.id ?? '')
    if (reply.type === 'item' && socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: 'unsubscribe', id: reply.id }))
  }

  async close(): Promise<void> {
    const socket = await this.#socket?.catch(() => undefined)
    socket?.close()
  }
}
