import { parseActorId } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { deadLetterStates } from '../../core/store.ts'
import type { DeadLetter, DeadLetterFilter, Store } from '../../core/store.ts'
import { unpackLetter } from './commit.ts'
import type { Deployment } from './deployment.ts'

export function createQueries(deployment: Deployment): Pick<Store, 'countLive' | 'due' | 'nextDue' | 'unsettled' | 'marks' | 'deadLetters'> {
  const { connection, partitions, keysOf, partitionOf } = deployment

  async function lettersOf(partition: number, filter: DeadLetterFilter): Promise<readonly DeadLetter[]> {
    const { id, state, limit } = filter
    const keys = keysOf(partition)
    const states = state === undefined ? deadLetterStates : [state]
    const found: DeadLetter[] = []
    for (let after = filter.after ?? ''; ; ) {
      const flat = (await connection.run('letters', [keys.one('letters'), ...states.map(each => keys.letters(each))], [after, id ?? '', limit])) as readonly string[]
      for (let at = 0; at < flat.length; at += 2) {
        const letter = unpackLetter(flat[at] ?? '', flat[at + 1] ?? '')
        if (fits(letter, filter)) found.push(letter)
      }
      if (id !== undefined || flat.length < 2 * limit || found.length >= limit) return found
      after = flat.at(-2) ?? after
    }
  }

  return {
    countLive: async partition => Number((await connection.call(client => client.hget(keysOf(partition).one('meta'), 'live'))) ?? 0),
    async due(partition, now, limit) {
      const flat = await connection.call(client => client.zrangebyscore(keysOf(partition).one('due'), '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit))
      return pairs(flat).map(([id, dueAt]) => ({ id: id as ActorId, dueAt: Number(dueAt) }))
    },
    async nextDue(partition) {
      const [, dueAt] = await connection.call(client => client.zrange(keysOf(partition).one('due'), '0', '0', 'WITHSCORES'))
      return dueAt === undefined ? undefined : Number(dueAt)
    },
    unsettled: async (partition, after, limit) =>
      (await connection.call(client => client.zrangebylex(keysOf(partition).one('unsettled'), after === '' ? '-' : `(${after}`, '+', 'LIMIT', 0, limit))) as ActorId[],
    async marks(id, keys) {
      if (keys.length === 0) return new Map()
      const found = await connection.call(client => client.hmget(keysOf(partitionOf(id)).marks(id), ...keys))
      return new Map(keys.flatMap((key, index) => (found[index] ? [[key, found[index]] as const] : [])))
    },
    async deadLetters(filter) {
      const places = filter.actor === undefined ? Array.from({ length: partitions }, (_, partition) => partition) : [partitionOf(filter.actor)]
      const found = (await Promise.all(places.map(partition => lettersOf(partition, filter)))).flat()
      return found.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, filter.limit)
    },
  }
}

function fits({ id, actor, state }: DeadLetter, filter: DeadLetterFilter): boolean {
  return (filter.tenant === undefined || parseActorId(actor).tenant === filter.tenant) && (filter.actor === undefined || actor === filter.actor)
    && (filter.state === undefined || state === filter.state) && (filter.after === undefined || id > filter.after)
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  for (let at = 0; at < flat.length; at += 2) found.push([flat[at] ?? '', flat[at + 1] ?? ''])
  return found
}
