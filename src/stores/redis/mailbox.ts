import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { InboxMessage, Reply, Store, StoredMessage } from '../../core/store.ts'
import type { Argument } from './connection.ts'
import { blobHash } from './deployment.ts'
import type { Deployment } from './deployment.ts'
import { channels, replyKeys } from './keys.ts'

/** How long a call whose answer was lost is repeated, in milliseconds. */
const REPEAT_MS = 10_000
const REPEAT_PAUSE_MS = 20
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
      // Handed over and remembered here; should this be lost, what is left behind goes after an hour.
      await connection.call(client => client.xtrim(key, 'MINID', nextId(newest)))
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

/**
 * Appends of this handle to one partition. Each call has a number and Redis takes them in order, so a call whose answer was
 * lost is repeated until it is known to have counted, and counts once.
 */
class AppendLane {
  readonly #deployment: Deployment
  readonly #partition: number
  #sender = randomUUID()
  #calls = 0

  constructor(deployment: Deployment, partition: number) {
    this.#deployment = deployment
    this.#partition = partition
  }

  async append(messages: readonly InboxMessage[], depthMax: number): Promise<void> {
    const { connection, prefix, blobBytes, keysOf } = this.#deployment
    const keys = keysOf(this.#partition).inbox('senders')
    const contents = messages.flatMap(({ id, to, at, data }): Argument[] => [id, to, at, data, blobHash(data, blobBytes)])
    let [sender, call] = this.#number()
    for (let waitedMs = 0; ; waitedMs += REPEAT_PAUSE_MS) {
      try {
        const answer = (await connection.write('append', keys, [sender, call, depthMax, channels.node(prefix), this.#partition, Date.now(), ...contents])) as readonly [string, ...string[]]
        if (answer[0] === 'ok') return
        if (answer[0] === 'full') throw full(answer, depthMax)
        // An earlier call has not arrived yet. If it was given up, this one, which has not counted, goes under the new name.
        if (sender !== this.#sender) [sender, call] = this.#number()
      } catch (error) {
        if (!isWorthRepeating(error) || waitedMs >= REPEAT_MS) throw this.#giveUp(sender, error)
      }
      if (waitedMs >= REPEAT_MS) throw this.#giveUp(sender, new TroupeError('store/failed', `${connection.name}: messages sent before these have not arrived for ${REPEAT_MS} ms`))
      await sleep(REPEAT_PAUSE_MS)
    }
  }

  #number(): [sender: string, call: number] {
    return [this.#sender, ++this.#calls]
  }

  /** Without its number the calls behind it would wait for ever: they go on under another name. */
  #giveUp(sender: string, error: unknown): unknown {
    const counted = error instanceof TroupeError && error.code === 'mailbox/full'
    if (!counted && sender === this.#sender) {
      this.#sender = randomUUID()
      this.#calls = 0
    }
    return error
  }
}

const isWorthRepeating = (error: unknown): boolean => error instanceof TroupeError && error.code === 'store/failed'

function full([, to = '', depth, incoming]: readonly string[], depthMax: number): TroupeError {
  const address = addressOf(to as ActorId)
  return new TroupeError('mailbox/full', `${address} has ${depth} events waiting and takes no ${incoming} more; the limit is ${depthMax}`, { address, details: { depth: Number(depth), limit: depthMax } })
}
