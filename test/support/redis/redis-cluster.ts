import { waitUntil } from '../processes.ts'
import { startRedis } from './redis-server.ts'
import type { RedisOptions, RedisServer } from './redis-server.ts'

const SLOTS = 16_384
const KEYS_PER_MIGRATION = 100
const MIGRATION_MS_MAX = 5_000
const ASK_AGAIN_MS = 500
/** Short, so that a dead master is missed soon; two busy cores hold a node up for less. */
const NODE_TIMEOUT_MS = 1_000
/** After which a node begins another election (Redis: twice the time for votes, which is twice the node timeout). */
const ELECTION_MS = 4 * NODE_TIMEOUT_MS

export interface ClusterOptions {
  readonly masters?: number
  readonly replicas?: number
  /** Lines of the configuration of every node, by directive; the node timeout is ours. */
  readonly config?: Readonly<Record<string, string>>
  readonly tls?: RedisOptions['tls']
}

export interface RedisCluster extends AsyncDisposable {
  /** Every node: first those that began as masters, then those that began as replicas of them in turn. */
  readonly nodes: readonly RedisServer[]
  slotOf(key: string): Promise<number>
  /** The node that serves a slot now. */
  ownerOf(slot: number): Promise<RedisServer>
  /** Makes a replica the master whether its old master agrees or not; resolves when every living node knows. */
  failover(replica: RedisServer): Promise<void>
  /** Moves a slot with its keys, one batch after the other, while clients go on. */
  moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void>
  stop(): Promise<void>
}

export async function startCluster({ masters = 3, replicas = 3, config, tls }: ClusterOptions = {}): Promise<RedisCluster> {
  const started = await Promise.allSettled(Array.from({ length: masters + replicas }, () => startRedis({ cluster: true, ...(tls && { tls }), config: { ...config, 'cluster-node-timeout': String(NODE_TIMEOUT_MS) } })))
  const nodes = started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async (): Promise<void> => void await Promise.all(nodes.map(node => node.stop()))
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason
    await join(nodes, masters, tls ? 'tlsPort' : 'port')
  } catch (error) {
    await stop()
    throw error
  }
  const promotions: Promotions = new Map()
  return {
    nodes,
    slotOf: async key => Number(await ask(nodes[0] as RedisServer, 'CLUSTER', 'KEYSLOT', key)),
    ownerOf: slot => ownerOf(nodes, slot),
    failover: replica => failover(nodes, promotions, replica),
    moveSlot: (slot, from, to) => moveSlot(nodes, slot, from, to),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Slots first, then acquaintance: each master's claim to its slots is settled before it hears of any other. */
async function join(nodes: readonly RedisServer[], masters: number, port: 'port' | 'tlsPort'): Promise<void> {
  await Promise.all(nodes.map((node, index) => ask(node, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1)))
  await Promise.all(nodes.slice(0, masters).map((node, index) => {
    const [first, end] = [index, index + 1].map(part => Math.floor((SLOTS * part) / masters)) as [number, number]
    return ask(node, 'CLUSTER', 'ADDSLOTS', ...Array.from({ length: end - first }, (_, n) => first + n))
  }))
  const [seed, ...others] = nodes as [RedisServer, ...RedisServer[]]
  await Promise.all(others.map(node => ask(seed, 'CLUSTER', 'MEET', '127.0.0.1', node[port])))
  await waitUntil('all nodes know each other', async () => (await viewsOf(nodes)).every(view => view.filter(({ flags }) => !flags.includes('handshake')).length === nodes.length))
  await Promise.all(nodes.slice(masters).map(async (node, index) => ask(node, 'CLUSTER', 'REPLICATE', await idOf(nodes[index % masters] as RedisServer))))
  await waitUntil('every replica has its data', async () => (await rolesOf(nodes)).filter(({ isMaster }) => !isMaster).length === nodes.length - masters && areLinked(nodes))
  await waitUntil('every node says that the cluster is ok', () => allOk(nodes))
}

/** When each replica was last made a master. */
type Promotions = Map<RedisServer, number>

async function failover(nodes: readonly RedisServer[], promotions: Promotions, replica: RedisServer): Promise<void> {
  const id = await idOf(replica)
  const isKnownAs = async (flag: 'master' | 'slave', living: readonly RedisServer[]): Promise<boolean> =>
    (await viewsOf(living)).every(view => view.some(node => node.id === id && node.flags.includes(flag) && (flag === 'slave' || node.slots.length > 0)))
  const isSettled = async (living: readonly RedisServer[]): Promise<boolean> => await isKnownAs('master', living) && await areLinked(living) && await allOk(living)
  // Nobody votes for what it takes for a master.
  await waitUntil('every living node knows the replica', async () => (await roleOf(replica)).isMaster || isKnownAs('slave', await livingOf(nodes)))
  // Redis counts the votes of its last election again, and with its old epoch it would have to give way at once.
  await waitUntil('the replica has forgotten its last election', () => performance.now() - (promotions.get(replica) ?? -Infinity) > ELECTION_MS)
  let askedAt = -Infinity
  await waitUntil('every living node goes by the new master', async () => {
    const { isMaster } = await roleOf(replica)
    if (isMaster) return isSettled(await livingOf(nodes))
    // Not only once: the others do not vote about the same seat twice in a row.
    if (performance.now() - askedAt > ASK_AGAIN_MS) {
      askedAt = performance.now()
      await ask(replica, 'CLUSTER', 'FAILOVER', 'FORCE').catch((error: Error) => {
        // Elected since it was looked at.
        if (!error.message.includes('to a replica')) throw error
      })
    }
    return false
  })
  promotions.set(replica, performance.now())
}

async function moveSlot(nodes: readonly RedisServer[], slot: number, from: RedisServer, to: RedisServer): Promise<void> {
  const [fromId, toId] = await Promise.all([idOf(from), idOf(to)])
  await ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId)
  await ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId)
  const nextKeys = async () => await ask(from, 'CLUSTER', 'GETKEYSINSLOT', slot, KEYS_PER_MIGRATION) as readonly string[]
  for (let keys = await nextKeys(); keys.length > 0; keys = await nextKeys()) {
    await ask(from, 'MIGRATE', '127.0.0.1', to.port, '', 0, MIGRATION_MS_MAX, 'KEYS', ...keys)
  }
  // The new owner first: if the old one knew first and then died, nobody would own the slot.
  for (const node of [to, from]) await ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId)
  await waitUntil(`every node knows that slot ${slot} has moved`, async () => {
    const views = await viewsOf(await livingOf(nodes))
    return views.every(view => view.some(({ id, slots }) => id === toId && serves(slots, slot)))
  })
}

async function ownerOf(nodes: readonly RedisServer[], slot: number): Promise<RedisServer> {
  const living = await livingOf(nodes)
  const [view = []] = await viewsOf(living.slice(0, 1))
  const port = view.find(({ slots }) => serves(slots, slot))?.port
  const owner = nodes.find(node => node.port === port)
  if (owner === undefined) throw new Error(`no node of the cluster serves slot ${slot}`)
  return owner
}

/** A line of `CLUSTER NODES`. */
interface NodeView {
  readonly id: string
  readonly port: number
  readonly flags: readonly string[]
  /** First and last slot of each range. */
  readonly slots: readonly (readonly [number, number])[]
}

const serves = (slots: NodeView['slots'], slot: number): boolean => slots.some(([first, last]) => first <= slot && slot <= last)

const viewsOf = (nodes: readonly RedisServer[]): Promise<readonly (readonly NodeView[])[]> => Promise.all(nodes.map(viewOf))

async function viewOf(node: RedisServer): Promise<readonly NodeView[]> {
  const text = await ask(node, 'CLUSTER', 'NODES') as string
  return text.trim().split('\n').map(line => {
    const [id = '', address = '', flags = '', , , , , , ...ranges] = line.split(' ')
    // A slot on its way stands in brackets, and counts where it is.
    const slots = ranges.filter(range => !range.startsWith('[')).map(range => {
      const [first = '', last = first] = range.split('-')
      return [Number(first), Number(last)] as const
    })
    return { id, port: Number(/:(\d+)@/.exec(address)?.[1]), flags: flags.split(','), slots }
  })
}

/** What a node answers. One that takes over the data of a new master says nothing else until it has loaded it. */
async function ask(node: RedisServer, ...command: Parameters<RedisServer['command']>): Promise<unknown> {
  let answer: unknown
  await waitUntil(`node ${node.port} has loaded its data`, () => node.command(...command).then(
    said => {
      answer = said
      return true
    },
    (error: Error) => {
      if (!error.message.startsWith('LOADING')) throw error
      return false
    },
  ))
  return answer
}

const idOf = async (node: RedisServer): Promise<string> => await ask(node, 'CLUSTER', 'MYID') as string

interface Role {
  readonly isMaster: boolean
  /** Of a replica: where its master is, and how its link to it is. */
  readonly masterPort: number
  readonly link: string
}

async function roleOf(node: RedisServer): Promise<Role> {
  const [role, , masterPort, link] = await ask(node, 'ROLE') as [string, unknown, number, string]
  return { isMaster: role === 'master', masterPort, link }
}

const rolesOf = (nodes: readonly RedisServer[]): Promise<readonly Role[]> => Promise.all(nodes.map(roleOf))

/** Whether each replica among these nodes has a link to its master, if that is among them too. */
async function areLinked(nodes: readonly RedisServer[]): Promise<boolean> {
  const roles = await rolesOf(nodes)
  return roles.every(({ isMaster, masterPort, link }) => isMaster || link === 'connected' || nodes.every(({ port }) => port !== masterPort))
}

const isOk = async (node: RedisServer): Promise<boolean> => /cluster_state:ok/.test(await ask(node, 'CLUSTER', 'INFO') as string)

const allOk = async (nodes: readonly RedisServer[]): Promise<boolean> => (await Promise.all(nodes.map(isOk))).every(Boolean)

/** Those that answer: a test may have killed some. */
async function livingOf(nodes: readonly RedisServer[]): Promise<readonly RedisServer[]> {
  const answers = await Promise.allSettled(nodes.map(node => ask(node, 'PING')))
  return nodes.filter((_, index) => answers[index]?.status === 'fulfilled')
}
