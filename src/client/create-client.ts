import type { CallOptions, Client, OperationName } from '../core/client/client.ts'
import { TroupeError } from '../core/errors.ts'
import { openEvents } from './events.ts'
import { call } from './request.ts'
import type { Remote } from './request.ts'
import { routes, streamNames } from './routes.ts'
import { LiveSocket } from './socket.ts'
import { resumed } from './stream.ts'
import type { Source } from './stream.ts'

export interface ClientOptions {
  /** Of the server: `http://127.0.0.1:4747`. */
  readonly url: string
  /** API key, where the server asks for one. */
  readonly key?: string
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch
  /** Default: that of the platform; null, or where there is none: streams are server-sent events. */
  readonly WebSocket?: typeof WebSocket | null
  /** Hears `false` when streams wait for a server that is gone, and `true` when it is there again: once for all streams. */
  readonly onConnection?: (isOpen: boolean) => void
}

/** A running Troupe behind a server. */
export type RemoteClient = Client & {
  /** Ends its streams and its connection; calls that are under way are broken off. */
  readonly close: () => void
}

/**
 * A client of a server (`createServer`, `troupe serve`), in browsers and Node ≥ 22. Streams go on by themselves where they were when a
 * connection breaks; safe calls are asked again once. Throws `config/invalid` for a URL that is none; its calls throw what the server
 * says, and `server/unreachable` when nobody answers.
 *
 * @example
 * const client = createClient({ url: 'http://127.0.0.1:4747' })
 * await client.sendEvent({ address: 'order/42', event: { type: 'PAY' } })
 * for await (const item of client.follow({ machine: 'order' })) console.log(item)
 */
export function createClient(options: ClientOptions): RemoteClient {
  if (!/^https?:\/\//.test(options.url) || !URL.canParse(options.url)) throw new TroupeError('config/invalid', `url must be that of a server, such as http://127.0.0.1:4747, not ${JSON.stringify(options.url)}`)
  const { fetch = globalThis.fetch.bind(globalThis), WebSocket = globalThis.WebSocket as typeof globalThis.WebSocket | undefined } = options
  const remote: Remote = { url: options.url.replace(/\/+$/, ''), key: options.key, fetch }
  const socket = WebSocket && new LiveSocket(remote, WebSocket)
  const source: Source = { url: remote.url, open: socket ? socket.open : openEvents(remote), tell: changes(options.onConnection) }
  const closing = new AbortController()
  const signalOf = ({ signal }: CallOptions): AbortSignal => (signal ? AbortSignal.any([signal, closing.signal]) : closing.signal)

  const operationOf = (name: OperationName) =>
    streamNames.includes(name)
      ? (input: Record<string, unknown>, on: CallOptions = {}) => resumed(source, name, input, signalOf(on))
      : (input: Record<string, unknown>, on: CallOptions = {}) => call(remote, name, input, signalOf(on))
  const close = (): void => {
    closing.abort(new TroupeError('runtime/closed', 'this client was closed'))
    void socket?.close()
  }
  const names = Object.keys(routes) as OperationName[]
  return { ...Object.fromEntries(names.map(name => [name, operationOf(name)])), close } as unknown as RemoteClient
}

/** Tells a listener of changes only; a server is taken to be there until it is not. */
function changes(listener: ClientOptions['onConnection']): (isOpen: boolean) => void {
  let wasOpen = true
  return isOpen => {
    if (isOpen === wasOpen) return
    wasOpen = isOpen
    listener?.(isOpen)
  }
}
