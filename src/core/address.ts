import { TroupeError } from './errors.ts'
import { hashText, mixText } from './hash.ts'

declare const brand: unique symbol

/** `tenant/machine/key`: the whole identity of an actor. */
export type ActorId = string & { readonly [brand]: 'ActorId' }

/** The parts of an identity. `machine/key` is the address that people and machines use. */
export interface Address {
  readonly tenant: string
  readonly machine: string
  readonly key: string
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/
// eslint-disable-next-line no-control-regex -- control characters are what must not pass
const KEY = /^[^\u0000-\u001f\u007f]{1,1024}$/
/** Separates a run from the path of a spawned actor in it; see `childKey`. */
const SPAWN_MARK = '>'
/** Ends the key of a spread actor. Child paths escape it, so in no key from before it stands there or before a spawn mark. */
const SPREAD_MARK = '~'

export const DEFAULT_TENANT = 'default'

export const isName = (text: string): boolean => NAME.test(text)

/** Makes an identity of its parts. Throws `address/invalid`. */
export function actorId({ tenant, machine, key }: Address): ActorId {
  if (!isName(tenant)) throw new TroupeError('address/invalid', `tenant ${JSON.stringify(tenant)} is not a name`)
  if (!isName(machine)) throw new TroupeError('address/invalid', `machine ${JSON.stringify(machine)} is not a name`)
  if (typeof key !== 'string') throw new TroupeError('address/invalid', `a key of machine ${machine} is a string, not ${String(key)}`)
  if (!KEY.test(key)) {
    throw new TroupeError('address/invalid', `key ${JSON.stringify(key.slice(0, 80))} of machine ${machine} is empty, too long or has control characters`, {
      details: { length: key.length },
    })
  }
  return `${tenant}/${machine}/${key}` as ActorId
}

/** Takes an identity apart. The key may itself hold slashes. */
export function parseActorId(id: ActorId): Address {
  const first = id.indexOf('/')
  const second = id.indexOf('/', first + 1)
  return { tenant: id.slice(0, first), machine: id.slice(first + 1, second), key: id.slice(second + 1) }
}

/** Reads `machine/key` as an identity inside a tenant. Throws `address/invalid`. */
export function parseAddress(text: string, tenant: string = DEFAULT_TENANT): ActorId {
  if (typeof text !== 'string') throw new TroupeError('address/invalid', `an address is a string, not ${String(text)}`)
  const slash = text.indexOf('/')
  if (slash < 1) throw new TroupeError('address/invalid', `${JSON.stringify(text.slice(0, 80))} is not of the form machine/key`)
  return actorId({ tenant, machine: text.slice(0, slash), key: text.slice(slash + 1) })
}

/** `machine/key` of an identity: what people read in messages. */
export const addressOf = (id: ActorId): string => id.slice(id.indexOf('/') + 1)

export const isSpawnedKey = (key: string): boolean => key.includes(SPAWN_MARK)

/**
 * The key of an actor spawned by another one: the run, then the path of child ids from the run's root.
 * The ordinal is the parent's own counter, so a child id that is used again names a new actor.
 */
export function childKey(parent: ActorId, childPath: string, ordinal: number, spread = false): string {
  const { machine, key } = parseActorId(parent)
  const run = isSpawnedKey(key) ? key : `${machine}/${key}`
  return `${run}${SPAWN_MARK}${childPath}#${ordinal}${spread ? SPREAD_MARK : ''}`
}

/** The place of a spawned actor among all that its parent has spawned. */
export const ordinalOf = (id: ActorId): number => Number.parseInt(id.slice(id.lastIndexOf('#') + 1), 10)

/** Whether an actor was told to live apart from its parent. */
export const isSpread = (id: ActorId): boolean => isSpawnedKey(id) && id.endsWith(SPREAD_MARK)

/** The run of an actor: the identity of its root. Derived from the id alone, so any sender can route without a look-up. */
export function runOf(id: ActorId): ActorId {
  const mark = id.indexOf(SPAWN_MARK)
  if (mark < 0) return id
  const { tenant, key } = parseActorId(id)
  return `${tenant}/${key.slice(0, key.indexOf(SPAWN_MARK))}` as ActorId
}

/**
 * The partition of an actor: that of its run, or of the nearest spread actor among itself and those it was spawned under.
 * The hash of a run cannot be mended, actors that exist were placed by it; keys of spread actors are too much alike for it.
 */
export function partitionOf(id: ActorId, partitions: number): number {
  if (partitions === 1) return 0
  if (!isSpawnedKey(id)) return hashText(id) % partitions
  const { tenant, key } = parseActorId(id)
  const runEnd = key.indexOf(SPAWN_MARK)
  const spreadEnd = isSpread(id) ? key.length : key.lastIndexOf(SPREAD_MARK + SPAWN_MARK) + 1
  return (spreadEnd > runEnd ? mixText(`${tenant}/${key.slice(0, spreadEnd)}`) : hashText(`${tenant}/${key.slice(0, runEnd)}`)) % partitions
}
