import { TroupeError } from '../../core/errors.ts'
import { isName } from '../../core/address.ts'
import { DEFAULT_PREFIX } from './keys.ts'

export const durabilities = ['process-crash', 'power-loss', 'failover'] as const

/**
 * What an accepted event survives: `process-crash` that of Redis itself (AOF, or no restart of Redis at all), `power-loss` that of the
 * machine (AOF with fsync always), `failover` that of the primary too (each write waits for a replica).
 */
export type Durability = (typeof durabilities)[number]

/** Paths of PEM files: who may vouch for the server, and who we are if it asks. */
export interface TlsFiles {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

export interface RedisAddress {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly isCluster: boolean
  /** Undefined for a connection in the clear. */
  readonly tls: TlsFiles | undefined
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  readonly prefix: string
  readonly partitions: number | undefined
  readonly durability: Durability
}

const DEFAULT_PORT = 6379
const PARTITIONS_MAX = 1024

/**
 * Reads `redis://user:password@host:port/db?…` and `rediss://…`. Several hosts after each other (`redis://a:7000,b:7000`), or
 * `?cluster=true`, mean a cluster. Options: `prefix`, `partitions`, `durability`, `cluster`. Throws `config/invalid`.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, scheme, login, hosts = '', path = '', query = ''] = /^(rediss?):\/\/(?:([^@/?]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url) ?? []
  const shown = url.replace(/\/\/[^@/?]*@/, '//…@')
  const wrong = (what: string): TroupeError => new TroupeError('config/invalid', `store '${shown}': ${what}`)
  if (scheme === undefined) throw wrong("is not of the form redis://user:password@host:port/db, or redis://host:port,host:port for a cluster")
  const { prefix = DEFAULT_PREFIX, partitions, durability = 'process-crash', cluster = 'false', ca, cert, key, ...stray } = Object.fromEntries(new URLSearchParams(query)) as Record<string, string>
  const unknown = Object.keys(stray)[0]
  if (unknown !== undefined) throw wrong(`option '${unknown}' is not known; there are prefix, partitions, durability, cluster, ca, cert and key`)
  if (!isName(prefix)) throw wrong('prefix must be a name of letters, digits, `_`, `.` and `-`')
  if (!durabilities.includes(durability as Durability)) throw wrong(`durability must be one of ${durabilities.join(', ')}`)
  if (cluster !== 'true' && cluster !== 'false') throw wrong('cluster must be true or false')
  const isTls = scheme === 'rediss'
  if (!isTls && (ca ?? cert ?? key) !== undefined) throw wrong('ca, cert and key are for TLS: begin with rediss://')
  if ((cert === undefined) !== (key === undefined)) throw wrong('cert and key go together')
  const nodes = hosts.split(',').map(host => parseHost(host, wrong))
  const isCluster = cluster === 'true' || nodes.length > 1
  const db = path === '' ? 0 : wholeNumber(path, 'the database after the slash', { from: 0, to: 1_000_000 }, wrong)
  if (isCluster && db !== 0) throw wrong('a cluster has database 0 only')
  const [username, password] = login === undefined ? [] : parseLogin(login, wrong)
  return {
    nodes,
    isCluster,
    tls: isTls ? { ca, cert, key } : undefined,
    username,
    password,
    db,
    prefix,
    partitions: partitions === undefined ? undefined : wholeNumber(partitions, 'partitions', { from: 1, to: PARTITIONS_MAX }, wrong),
    durability: durability as Durability,
  }
}

type Wrong = (what: string) => TroupeError

function parseHost(text: string, wrong: Wrong): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined) throw wrong(`'${text}' is not a host, nor host:port`)
  return { host, port: port === undefined ? DEFAULT_PORT : wholeNumber(port, 'a port', { from: 1, to: 65_535 }, wrong) }
}

function parseLogin(login: string, wrong: Wrong): readonly [username: string | undefined, password: string | undefined] {
  const colon = login.indexOf(':')
  try {
    const [user, password] = colon < 0 ? [login, undefined] : [login.slice(0, colon), login.slice(colon + 1)]
    return [user === '' ? undefined : decodeURIComponent(user), password === undefined ? undefined : decodeURIComponent(password)]
  } catch {
    throw wrong('user or password has a % that is no percent-encoding')
  }
}

function wholeNumber(text: string, what: string, { from, to }: { readonly from: number; readonly to: number }, wrong: Wrong): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < from || value > to) throw wrong(`${what} must be a whole number from ${from} to ${to}, not '${text.slice(0, 20)}'`)
  return value
}
