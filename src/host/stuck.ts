import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { ActorDocument } from '../core/document.ts'
import { TroupeError } from '../core/errors.ts'
import type { ActorFilter, ActorRecord } from '../core/store.ts'
import type { Definition } from './definition.ts'
import type { HostEnv } from './env.ts'
import { moversOf } from './movers.ts'
import type { Mover } from './movers.ts'
import type { Reader } from './reader.ts'
import { readDocument } from './slots.ts'
import { takeTurns } from './turns.ts'

export interface StuckQuery {
  /** From the page before. */
  readonly cursor?: string
  /** Active actors to look at. Default 100, at most 1,000. */
  readonly limit?: number
}

/** An active actor that nothing can ever wake. */
export interface StuckActor {
  readonly address: string
  /** Address of the root of its run. */
  readonly run: string
  readonly states: readonly string[]
  /** When it was last moved, in milliseconds since the epoch. */
  readonly since: number
  /** Why nothing can wake it, and which child has ended without moving it on. */
  readonly reason: string
}

export interface StuckPage {
  readonly actors: readonly StuckActor[]
  /** How many active actors of the page could be judged: not those that another process alone knows, or that have to be migrated first. */
  readonly judged: number
  /** Pass it on for the next page; undefined on the last. */
  readonly cursor: string | undefined
}

/** Children named in a reason. */
const NAMED_MAX = 5

/** Judges a page of active actors by their checkpoints. Reads only, one checkpoint after the other. */
export async function findStuck(env: HostEnv, reader: Reader, filter: Pick<ActorFilter, 'tenant' | 'limit' | 'cursor'>): Promise<StuckPage> {
  const page = await reader.store.list({ ...filter, status: 'active' })
  const actors: StuckActor[] = []
  const turn = takeTurns(env.clock)
  let judged = 0
  for (const record of page.records) {
    const judgement = isAwaited(record) ? 'moves' : await judge(env, reader, record.id)
    if (judgement !== 'unknown') judged++
    if (typeof judgement === 'object') actors.push(judgement)
    await turn()
  }
  return { actors, judged, cursor: page.cursor }
}

/** Whether the store itself knows of something to come. */
const isAwaited = ({ status, dueAt, openTasks, parked }: ActorRecord): boolean => status !== 'active' || dueAt !== null || openTasks > 0 || parked > 0

async function judge(env: HostEnv, reader: Reader, id: ActorId): Promise<StuckActor | 'moves' | 'unknown'> {
  const stored = await reader.store.load(id)
  if (!stored || isAwaited(stored.record)) return 'moves'
  const { record } = stored
  const stuck = (reason: string): StuckActor => ({ address: addressOf(id), run: addressOf(record.run), states: record.states, since: record.updatedAt, reason })
  try {
    const definition = env.definitions.get(parseActorId(id).machine)
    const { document } = readDocument(stored, env.codec)
    if (!definition || (definition.migrate && isOld(definition, document))) return 'unknown'
    const { movers, ended } = moversOf(definition, document, record.parked)
    const silent = await silentChildren(env, reader, movers, record.updatedAt)
    if (silent.length < movers.length) return 'moves'
    const named = [...ended.map(({ path, status, address }) => `${path.slice(1)}${address === undefined ? '' : ` (${addressOf(address)})`} is over (${status})`), ...silent]
    const children = named.slice(0, NAMED_MAX).map(child => `; its child ${child}`)
    const where = record.states.length === 0 ? '' : ` in state ${record.states.join(', ')}`
    return stuck(`it takes no event${where}, and it has no timer, no task and no child that lives${children.join('')}`)
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'store/corrupt') return stuck(error.message)
    throw error
  }
}

/** Its state may be another one once it is migrated, and only its machine's `migrate` knows which. */
const isOld = ({ version, hash }: Definition, document: ActorDocument): boolean => version !== document.version || hash !== document.hash

/** Durable children that are over though their parent has not heard of it, for longer than word of it may take. Empty when something else may move the parent. */
async function silentChildren({ clock, limits }: HostEnv, reader: Reader, movers: readonly Mover[], since: number): Promise<readonly string[]> {
  const silent: string[] = []
  for (const { kind, name } of movers) {
    if (kind !== 'child') return []
    const id = name as ActorId
    const child = (await reader.store.load(id))?.record
    if (child?.completedAt === null) return []
    if (clock.now() - Math.max(since, child?.completedAt ?? 0) <= limits.dueAgeMsMax) return []
    silent.push(`${addressOf(id)} is ${child ? child.status : 'gone'} and has told it nothing`)
  }
  return silent
}
