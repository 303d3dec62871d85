import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Caller } from '../core/client/operation.ts'
import { TroupeError } from '../core/errors.ts'
import type { KeyRing } from './keys.ts'
import type { RateLimits } from './rate-limits.ts'

export interface GateOptions {
  /** Names under which the server may be asked for, beside `localhost` and IP addresses. */
  readonly hosts: readonly string[]
  /** Origins of other sites whose pages may call, as browsers send them. */
  readonly origins: readonly string[]
  /** Without keys everybody who gets this far is an admin without a name. */
  readonly keys: KeyRing | undefined
  readonly limits: RateLimits
}

/** Who calls, and the headers that tell of the caller's rate limit. */
export interface Admission {
  readonly caller: Caller
  readonly headers: Readonly<Record<string, string>>
}

const ANYBODY: Caller = { name: null, role: 'admin' }
/** How a browser's WebSocket, which can send no other header, gives its key: as a subprotocol. */
const KEY_PROTOCOL = 'troupe.key.'

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** Decides who gets in: requests and WebSocket upgrades alike. */
export class Gate {
  readonly #hosts: ReadonlySet<string>
  readonly #origins: ReadonlySet<string>
  readonly #keys: KeyRing | undefined
  readonly #limits: RateLimits

  constructor({ hosts, origins, keys, limits }: GateOptions) {
    this.#hosts = new Set(['localhost', ...hosts.map(host => host.toLowerCase())])
    this.#origins = new Set(origins)
    this.#keys = keys
    this.#limits = limits
  }

  /**
   * Refuses what a page of another site has a browser send: a name that stands for this address only because its owner says so
   * (DNS rebinding needs a name, so addresses pass), and foreign origins. Gives back the origin if it is one of those allowed.
   * Throws `access/origin`.
   */
  checkSource({ headers: { host = '', origin } }: IncomingMessage): string | undefined {
    const name = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host.toLowerCase())
    const hostname = name?.[1] ?? name?.[2] ?? ''
    if (isIP(hostname) === 0 && !this.#hosts.has(hostname)) throw new TroupeError('access/origin', `the host ${JSON.stringify(host.slice(0, 200))} is not one of this server's; add it to \`hosts\` if it is`)
    if (origin === undefined) return undefined
    if (this.#origins.has(origin)) return origin
    if (origin !== `http://${host}` && origin !== `https://${host}`) throw new TroupeError('access/origin', `pages of ${JSON.stringify(origin.slice(0, 200))} may not call this server; add it to \`origins\` if they may`)
    return undefined
  }

  /** Who a request comes from. Throws `access/unauthenticated`, `access/limited`. */
  async admit(incoming: IncomingMessage): Promise<Admission> {
    const address = incoming.socket.remoteAddress ?? ''
    if (!this.#keys) return { caller: ANYBODY, headers: await this.#limits.use(address) }
    const token = tokenOf(incoming)
    if (token === undefined) throw new TroupeError('access/unauthenticated', 'this server wants an API key')
    const caller = await this.#keys.find(token)
    if (!caller) {
      await this.#limits.fail(address)
      throw new TroupeError('access/unauthenticated', 'the API key is not one of this server, or is revoked')
    }
    return { caller, headers: await this.#limits.use(caller.name ?? '') }
  }
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  const { authorization, 'sec-websocket-protocol': protocols } = headers
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
  return protocols?.split(',').map(text => text.trim()).find(text => text.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length)
}
