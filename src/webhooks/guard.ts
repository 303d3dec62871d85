import { lookup as resolveName } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { TroupeError } from '../core/errors.ts'

/**
 * Keeps deliveries away from what only this machine and its network can reach.
 *
 * Invariants
 * G1  A connection is made to an address that was checked, never to a name: a name that changes its mind is checked again.
 * G2  What is not known to be public is refused: lists of bad addresses are never complete.
 */

export interface GuardOptions {
  /** Hosts, as they stand in URLs, that may be private. */
  readonly allowPrivate: readonly string[]
  /** Finds the addresses of a name; as `dns.lookup`. */
  readonly resolve?: ResolveName
}

export type ResolveName = (host: string, options: { readonly all: true }, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void

const PORTS_BELOW_1024 = ['', '80', '443']
/** The part of IPv6 that is given out for the public. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

/** The URL, if webhooks may go there as far as it alone tells. Throws `webhook/refused`. */
export function checkUrl(text: string, { allowPrivate }: GuardOptions): URL {
  const url = URL.parse(text)
  if (!url) throw refused(text, 'it is no URL')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(text, 'only http: and https: are for webhooks')
  if (url.username !== '' || url.password !== '') throw refused(url.origin, 'it has a user or password')
  if (!PORTS_BELOW_1024.includes(url.port) && Number(url.port) < 1024) throw refused(url.origin, `port ${url.port} belongs to another protocol`)
  const host = hostOf(url)
  if (!allowPrivate.includes(host) && ipaddr.isValid(host) && !isPublic(host)) throw refused(url.origin, `${host} is no public address`)
  return url
}

/** Looks the host up as a delivery would. Throws `webhook/refused`; a name that nobody knows yet may come to be. */
export function checkHost(url: URL, options: GuardOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  guardedLookup(options)(hostOf(url), { all: true }, error => (error instanceof TroupeError ? reject(error) : resolve()))
  return promise
}

/** As `dns.lookup`, but a name with any address that is not public is refused. */
export function guardedLookup({ allowPrivate, resolve = resolveName }: GuardOptions): LookupFunction {
  return (host, { all }, callback) =>
    resolve(host, { all: true }, (error, addresses) => {
      const [first] = addresses ?? []
      if (error ?? !first) return callback(error ?? new Error(`${host} has no address`), [])
      const bad = allowPrivate.includes(host) ? undefined : addresses.find(({ address }) => !isPublic(address))
      if (bad) return callback(refused(host, `it stands for ${bad.address}, which is no public address`), [])
      return all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
}

/** Whether an address is one that anybody on the internet means by it. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  // Of an IPv4 address inside an IPv6 one, the IPv4 address.
  const address = ipaddr.process(text)
  return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(PUBLIC_IPV6))
}

/** IPv6 without its brackets. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')

const refused = (target: string, why: string): TroupeError => new TroupeError('webhook/refused', `a webhook may not go to ${target}: ${why}`)
