import type { ActorId } from '../../core/address.ts'
import type { InboxMessage, Reply, Store, StoredMessage } from '../../core/store.ts'
import { AppendLane } from './append-lane.ts'
import type { Deployment } from './deployment.ts'
import { replyKeys } from './keys.ts'

const TAKE_WIDTH = 5

/** Messages on their way and kept aside. */
export function createMailbox(deployment: Deployment): Pick<Store, 'append' | 'take' | 'parked' | 'takeReplies'> {
  const { connection, prefix, partitions, keysOf } = deployment
  const lanes = Array.from({ length: partitions }, (_, partition) => new AppendLane(deployment, partition))
  /** Last reply handed over, per node. */
  const taken = new Map<string, string>()

  return {
    async append(messages, depthMax) {
      for (const [partition, group] of Map.groupBy(messages, each => each.partition)) {
        keysOf(partition)
        await lanes[partition]?.append(group, depthMax)
      }
    },

    async take(partition, after, limit) {
      const flat = (await connection.run('take', keysOf(partition).all('inbox', 'blobs'), [after, limit])) as readonly string[]
      const messages: StoredMessage[] = []
      for (let at = 0; at < flat.length; at += TAKE_WIDTH) {
        const [position, id = '', to = '', sent, data = ''] = flat.slice(at, at + TAKE_WIDTH)
        messages.push({ position: Number(position), id, to: to as ActorId, partition, at: Number(sent), data })
      }
      return messages
    },

    async parked(id, limit) {
      const partition = deployment.partitionOf(id)
      const keys = keysOf(partition)
      const flat = (await connection.run('parked', [keys.one('parked'), keys.positions(id)], [limit])) as readonly string[]
      const messages: StoredMessage[] = []
      for (let at = 0; at < flat.length; at += 2) messages.push({ ...unpackParked(flat[at + 1] ?? '[]'), position: Number(flat[at]), partition })
      return messages
    },

    async takeReplies(node) {
      const [key] = replyKeys(prefix, node)
      const last = taken.get(node)
      const entries = (await connection.call(client => client.xrange(key, last === undefined ? '-' : `(${last}`, '+'))) as [id: string, fields: string[]][]
      const newest = entries.at(-1)?.[0]
      if (newest === undefined) return []
      taken.set(node, newest)
      // Handed over and remembered here, so nobody waits for this; should it be lost, what is left behind goes after an hour.
      void connection.call(client => client.xtrim(key, 'MINID', nextId(newest))).catch(() => undefined)
      return entries.map(([, [, request = '', , data = '']]): Reply => ({ node, request, data }))
    },
  }
}

const nextId = (id: string): string => {
  const [ms = '0', seq = '0'] = id.split('-')
  return `${ms}-${Number(seq) + 1}`
}

export const packParked = ({ id, to, at, data }: InboxMessage): string => JSON.stringify([id, to, at, data])

function unpackParked(text: string): Pick<StoredMessage, 'id' | 'to' | 'at' | 'data'> {
  const [id, to, at, data] = JSON.parse(text) as [string, ActorId, number, string]
  return { id, to, at, data }
}
