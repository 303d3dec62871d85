import { parseActorId } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import { actorStatuses, deadLetterStates } from '../../core/store.ts'
import type { ActorFilter, ActorRecord, DeadLetter, DeadLetterFilter, Store } from '../../core/store.ts'
import { unpackLetter } from './commit.ts'
import type { Deployment } from './deployment.ts'
import { unpackRecord } from './record-text.ts'

/** Most actors one call of `list.lua` looks at, so that no question keeps Redis busy. */
const LOOKS_MAX = 1_000

export function createQueries(deployment: Deployment): Pick<Store, 'list' | 'countLive' | 'due' | 'nextDue' | 'unsettled' | 'marks' | 'deadLetters'> {
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
    async list(filter) {
      const { cursor, limit } = filter
      const [score, partition] = cursor === undefined ? ['0', -1] : parseCursor(cursor)
      const pages = await Promise.all(Array.from({ length: partitions }, (_, index) => listPartition(deployment, index, filter, index > partition ? below(score) : score)))
      const found = pages.flat().toSorted((a, b) => Number(a.score) - Number(b.score) || a.record.partition - b.record.partition)
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return { records: page.map(({ record }) => record), cursor: found.length > limit && last ? `${last.score}.${last.record.partition}` : undefined }
    },
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

interface Listed {
  readonly score: string
  readonly record: ActorRecord
}

/** One more than a page of one partition, so that it is known whether there is another page. */
async function listPartition({ connection, keysOf }: Deployment, partition: number, filter: ActorFilter, above: string): Promise<readonly Listed[]> {
  const { tenant, machine, status, state, tag, run, limit } = filter
  const keys = keysOf(partition)
  const statuses = (status === undefined ? actorStatuses : [status]).map(each => keys.status(tenant, each))
  const prefix = machine === undefined ? '' : `${tenant}/${machine}/`
  const places = [keys.one('actors'), keys.run(run ?? ('' as ActorId)), ...statuses]
  // Found in the text of a record first, which costs Redis little, then held to the letter here.
  const [stateText, tagText] = [state, tag].map(text => (text === undefined ? '' : JSON.stringify(text)))
  const found: Listed[] = []
  for (let from = above; ; ) {
    const [reached, more, ...flat] = (await connection.run('list', places, [from, prefix, run ?? '', stateText ?? '', tagText ?? '', limit + 1 - found.length, LOOKS_MAX])) as readonly [string, number, ...string[]]
    for (let at = 0; at < flat.length; at += 3) {
      const record = unpackRecord(flat[at + 1] as ActorId, partition, flat[at + 2] ?? '')
      const holds = (state === undefined || record.states.includes(state)) && (tag === undefined || record.tags.includes(tag)) && (run === undefined || record.run === run)
      if (holds) found.push({ score: flat[at] ?? '', record })
    }
    if (more === 0 || found.length > limit) return found
    from = reached
  }
}

/** Every whole number above it is at or above the score. */
const below = (score: string): string => (BigInt(score) - 1n).toString()

function parseCursor(cursor: string): readonly [score: string, partition: number] {
  const [, score, partition] = /^(\d{1,16})\.(\d{1,4})$/.exec(cursor) ?? []
  if (score !== undefined && partition !== undefined) return [score, Number(partition)]
  throw new TroupeError('config/invalid', `cursor ${JSON.stringify(cursor.slice(0, 80))} is none that list gave: pass the cursor of the page before unchanged`)
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  for (let at = 0; at < flat.length; at += 2) found.push([flat[at] ?? '', flat[at + 1] ?? ''])
  return found
}
