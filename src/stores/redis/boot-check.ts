import type { Redis } from 'ioredis'
import { TroupeError } from '../../core/errors.ts'
import type { Connection } from './connection.ts'
import type { Durability } from './redis-url.ts'

/** XTRIM MINID, LPOP with a count. */
const VERSION_MIN = [6, 2] as const

type Info = Readonly<Record<string, string>>

/**
 * Refuses a server that cannot keep what is promised: too old, a replica, one that evicts keys, or whose persistence is weaker than
 * the durability asked for. Throws `config/invalid` or `store/readonly` with the setting to change; nothing has been written by then.
 */
export async function checkServer(connection: Connection, durability: Durability): Promise<void> {
  await connection.call(async client => {
    const nodes = 'nodes' in client ? client.nodes('master') : [client]
    for (const node of nodes) await checkNode(node, connection.name, durability)
  })
}

async function checkNode(node: Redis, name: string, durability: Durability): Promise<void> {
  const info = parseInfo(await node.info())
  const refuse = (what: string, remedy: string): TroupeError => new TroupeError('config/invalid', `${name}: ${what}; ${remedy}`, { details: { server: name } })
  const version = info['redis_version'] ?? '0'
  if (isOlder(version)) throw refuse(`its version is ${version}`, `Troupe needs Redis ${VERSION_MIN.join('.')} or newer, or Valkey`)
  const loading = loadingFault(info, name)
  if (loading) throw loading
  if (info['role'] === 'slave') throw new TroupeError('store/readonly', `${name} is a replica of ${info['master_host']}:${info['master_port']}, which takes no writes: give the address of the primary`, { details: { server: name } })
  const policy = info['maxmemory_policy'] ?? 'noeviction'
  if (policy !== 'noeviction') throw refuse(`maxmemory-policy is ${policy}, which deletes actors without a word when memory runs out`, 'set it to noeviction')
  await checkDurability(node, info, durability, refuse)
}

async function checkDurability(node: Redis, info: Info, durability: Durability, refuse: (what: string, remedy: string) => TroupeError): Promise<void> {
  if (durability === 'process-crash') return
  if (info['aof_enabled'] !== '1') throw refuse(`durability=${durability} was asked for, but appendonly is no`, 'set appendonly yes, or ask for process-crash')
  if (durability === 'failover') {
    const replicas = Number(info['connected_slaves'] ?? 0)
    if (replicas < 1) throw refuse('durability=failover was asked for, but no replica is connected', 'attach one, or ask for power-loss')
    return
  }
  const fsync = await configOf(node, 'appendfsync')
  // A managed server may forbid the question; then its operator has to know.
  if (fsync !== undefined && fsync !== 'always') throw refuse(`durability=power-loss was asked for, but appendfsync is ${fsync}`, 'set appendfsync always, or ask for process-crash')
}

/** Undefined where the server does not tell. */
export async function configOf(node: Redis, setting: string): Promise<string | undefined> {
  try {
    const [, value] = (await node.config('GET', setting)) as readonly string[]
    return value
  } catch {
    return undefined
  }
}

/** What is wrong with a server that answers, but for which no client gets ready. Undefined when it sees nothing wrong itself. */
export async function serverFault(node: Redis, name: string, isCluster: boolean): Promise<TroupeError | undefined> {
  const fault = loadingFault(parseInfo(await node.info()), name)
  if (fault || !isCluster) return fault
  const state = parseInfo(String(await node.cluster('INFO')))
  if (state['cluster_state'] === 'ok') return undefined
  const slots = Number(state['cluster_slots_ok'] ?? 0)
  return new TroupeError('store/failed', `${name}: the cluster serves ${slots} of 16384 slots and its state is ${state['cluster_state']}: assign the missing slots, or bring their nodes back`, { details: { server: name, slots } })
}

function loadingFault(info: Info, name: string): TroupeError | undefined {
  if (info['loading'] !== '1' && info['async_loading'] !== '1') return undefined
  const secondsLeft = Number(info['loading_eta_seconds'] ?? 1)
  return new TroupeError('store/failed', `${name} is still loading its data, for about ${secondsLeft} s more: try again then`, { details: { server: name, secondsLeft } })
}

export function parseInfo(text: string): Info {
  return Object.fromEntries(text.split(/\r?\n/).flatMap(line => {
    const colon = line.indexOf(':')
    return colon > 0 ? [[line.slice(0, colon), line.slice(colon + 1)]] : []
  }))
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])
}
