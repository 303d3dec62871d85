import type { ActorId } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import { actorStatuses } from '../../core/store.ts'
import type { ActorConditions, ActorFilter, ActorOrder, ActorRecord, ActorStatus, Store } from '../../core/store.ts'
import { Tally } from '../../core/tally.ts'
import type { Deployment } from './deployment.ts'
import { unpackRecord } from './record-text.ts'

/** Most actors one call of a script looks at, so that no question keeps Redis busy. */
const LOOKS_MAX = 1_000

/** Pages and counts of actors over all partitions. */
export function createActorList(deployment: Deployment): Pick<Store, 'list' | 'tally'> {
  const partitions = Array.from({ length: deployment.partitions }, (_, partition) => partition)
  return {
    async list(filter) {
      const { order = 'oldest', cursor, limit } = filter
      const forward = order === 'oldest' ? 1 : -1
      const [score, reached] = cursor === undefined ? [] : parseCursor(cursor)
      // At the very score of the cursor, the partitions beyond its own still have theirs to give.
      const startOf = (partition: number): string => (score === undefined || reached === undefined ? START[order] : (partition - reached) * forward > 0 ? (BigInt(score) - BigInt(forward)).toString() : score)
      const pages = await Promise.all(partitions.map(partition => listPartition(deployment, partition, filter, startOf(partition))))
      const found = pages.flat().toSorted((a, b) => forward * (Number(a.score) - Number(b.score) || a.record.partition - b.record.partition))
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return { records: page.map(({ record }) => record), cursor: found.length > limit && last ? `${last.score}.${last.record.partition}` : undefined }
    },
    async tally(conditions) {
      const tally = new Tally()
      await Promise.all(partitions.map(partition => tallyPartition(deployment, partition, conditions, tally)))
      return tally.result()
    },
  }
}

const START: Readonly<Record<ActorOrder, string>> = { oldest: '0', newest: '+inf' }

interface Listed {
  readonly score: string
  readonly record: ActorRecord
}

/** One more than a page of one partition, so that it is known whether there is another page. */
async function listPartition({ connection, keysOf }: Deployment, partition: number, filter: ActorFilter, start: string): Promise<readonly Listed[]> {
  const { order = 'oldest', limit } = filter
  const keys = placesOf(keysOf(partition), filter)
  const found: Listed[] = []
  for (let from = start; ; ) {
    const [reached, more, ...flat] = (await connection.run('list', keys, [from, order, LOOKS_MAX, ...argumentsOf(filter), limit + 1 - found.length])) as readonly [string, number, ...string[]]
    for (let at = 0; at < flat.length; at += 3) {
      const record = unpackRecord(flat[at + 1] as ActorId, partition, flat[at + 2] ?? '')
      if (isExactly(record, filter)) found.push({ score: flat[at] ?? '', record })
    }
    if (more === 0 || found.length > limit) return found
    from = reached
  }
}

async function tallyPartition({ connection, keysOf }: Deployment, partition: number, conditions: ActorConditions, tally: Tally): Promise<void> {
  const keys = placesOf(keysOf(partition), conditions)
  for (let from = START.oldest; ; ) {
    const [reached, more, ...flat] = (await connection.run('tally', keys, [from, 'oldest', LOOKS_MAX, ...argumentsOf(conditions)])) as readonly [string, number, ...(string | number)[]]
    for (let at = 0; at < flat.length; at += 2) {
      const [, machine = '', status, states = '[]'] = /^(\S+) (\S+) (.*)$/s.exec(String(flat[at])) ?? []
      tally.add({ machine, status: status as ActorStatus, states: JSON.parse(states) as string[], count: Number(flat[at + 1]) })
    }
    if (more === 0) return
    from = reached
  }
}

function placesOf(keys: ReturnType<Deployment['keysOf']>, { tenant, status, run }: ActorConditions): string[] {
  return [keys.one('actors'), keys.run(run ?? ('' as ActorId)), ...(status === undefined ? actorStatuses : [status]).map(each => keys.status(tenant, each))]
}

/** Conditions as `selection.lua` takes them. */
function argumentsOf({ tenant, machine, machinesExcept, run, state, tag, text, updatedBefore, updatedAfter }: ActorConditions): (string | number)[] {
  const [stateText, tagText] = [state, tag].map(name => (name === undefined ? '' : JSON.stringify(name)))
  return [
    `${tenant}/${machine === undefined ? '' : `${machine}/`}`, machinesExcept === undefined ? '' : `${tenant}/${machinesExcept}`,
    run ?? '', stateText ?? '', tagText ?? '', text ?? '', updatedBefore ?? '', updatedAfter ?? '',
  ]
}

/** The script finds names in the text of a record: here they are held to the letter. */
const isExactly = (record: ActorRecord, { state, tag, run }: ActorConditions): boolean =>
  (state === undefined || record.states.includes(state)) && (tag === undefined || record.tags.includes(tag)) && (run === undefined || record.run === run)

function parseCursor(cursor: string): readonly [score: string, partition: number] {
  const [, score, partition] = /^(\d{1,16})\.(\d{1,4})$/.exec(cursor) ?? []
  if (score !== undefined && partition !== undefined) return [score, Number(partition)]
  throw new TroupeError('config/invalid', `cursor ${JSON.stringify(cursor.slice(0, 80))} is none that list gave: pass the cursor of the page before unchanged`)
}
