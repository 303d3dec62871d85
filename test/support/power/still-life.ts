import { addressOf } from '../../../src/core/address.ts'
import type { ActorId } from '../../../src/core/address.ts'
import { unpackMessage } from '../../../src/core/message.ts'
import type { Body, Message } from '../../../src/core/message.ts'
import type { Store } from '../../../src/core/store.ts'
import { eventOf, readHistory } from '../faults/history.ts'
import type { ActorHistory, History } from '../faults/history.ts'
import type { RedisServer } from '../redis/redis-server.ts'
import type { Ledger } from './power-world.ts'

/** What a store holds while nobody runs: what has been handled, and what is still on its way. */
export interface StillLife {
  readonly history: History
  /** In the order in which each receiver will have it from each sender. */
  readonly waiting: readonly Message<Body>[]
  /** Entries of outboxes that have arrived already: only the receiver's high-water mark keeps them from arriving again. */
  readonly arrived: number
}

type Entry = readonly [id: string, fields: readonly string[]]

const ALL = 1e9

export async function readStillLife(store: Store, server: RedisServer, prefix: string, ledger: Ledger): Promise<StillLife> {
  const { sent, effects } = ledger
  const history = await readHistory(store, { endedAt: Date.now(), isRealTime: true, sent, effects })
  const partitions = Array.from({ length: store.partitions }, (_, partition) => partition)
  const keyOf = (partition: number, name: string): string => `{${prefix}:${partition}}:${name}`
  const inboxes = await Promise.all(partitions.map(partition => store.take(partition, 0, ALL)))
  const marks = await Promise.all(partitions.map(async partition => {
    const flat = (await server.command('HGETALL', keyOf(partition, 'relayed'))) as readonly string[]
    return new Map(flat.flatMap((source, at) => (at % 2 === 0 ? [[Number(source), Number(flat[at + 1])]] : [])))
  }))
  const outboxes = await Promise.all(partitions.map(async source => {
    const entries = (await server.command('XRANGE', keyOf(source, 'out'), '-', '+')) as readonly Entry[]
    // Replies to nodes are not for actors.
    return entries.filter(([, [, target = '']]) => !target.startsWith('@')).map(([number, [, target, , id = '', , to = '', , at, , data = '']]) => {
      const hasArrived = Number.parseInt(number) <= (marks[Number(target)]?.get(source) ?? 0)
      return { hasArrived, id, to: to as ActorId, partition: Number(target), at: Number(at), data }
    })
  }))
  const sentOn = outboxes.flat()
  const waiting = [...inboxes.flat(), ...sentOn.filter(({ hasArrived }) => !hasArrived)].map(message => unpackMessage(message))
  return { history, waiting, arrived: sentOn.filter(({ hasArrived }) => hasArrived).length }
}

/** What is wrong with it, in words: P1 to P3, with what is on its way counted as if it were there. */
export function complaintsAbout({ history, waiting }: StillLife, ledger: Ledger): readonly string[] {
  return [...aboutAccepted(history, waiting, ledger), ...aboutBank(history, waiting), ...aboutOrder(history, waiting)]
}

function aboutAccepted({ actors, letters, sent }: History, waiting: readonly Message<Body>[], { acknowledged }: Ledger): readonly string[] {
  const journals = [...actors.values()].flatMap(({ entries }) => entries.filter(({ kind, from }) => kind === 'event' && from === undefined).map(({ event }) => event))
  const buried = letters.filter(({ state, message }) => state !== 'replayed' && message.from === null).map(({ message }) => eventOf(message))
  const times = Map.groupBy([...journals, ...buried, ...waiting.filter(({ from }) => from === null).map(eventOf)], event => event?.['op'])
  const born = new Set([...actors.values()].map(({ id }) => addressOf(id)))
  for (const { to, body } of waiting) if (body.kind === 'start') born.add(addressOf(to))
  return [
    ...acknowledged.flatMap(step => {
      const isThere = step.do === 'replay' || (step.do === 'start' ? born.has(`${step.machine}/${step.key}`) : times.has(step.op))
      return isThere ? [] : [`P1: ${step.op} was acknowledged and is gone`]
    }),
    ...[...times].flatMap(([op, found]) => (found.length > 1 && sent.has(op as string) ? [`P2: ${String(op)} is there ${found.length} times`] : [])),
  ]
}

interface Booking {
  readonly type: string
  readonly op: string
  readonly cents: number
}

function aboutBank({ actors }: History, waiting: readonly Message<Body>[]): readonly string[] {
  const accounts = [...actors.values()].filter(({ id }) => addressOf(id).startsWith('account/'))
  const booked = accounts.flatMap(({ entries }) => entries.flatMap(({ kind, event }) => (kind === 'event' ? [event as unknown as Booking] : [])))
  const coming = waiting.flatMap(message => (message.from === null ? [] : [eventOf(message) as Booking | undefined])).filter(event => event?.type === 'CREDIT')
  const debits = booked.filter(({ type }) => type === 'TRANSFER').map(({ op }) => op)
  const credits = [...booked.filter(({ type }) => type === 'CREDIT'), ...coming].map(credit => credit?.op ?? '')
  const inOrder = (ops: readonly string[]): string => ops.toSorted((a, b) => a.localeCompare(b)).join()
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
  const opening = sum(accounts.map(({ document }) => (document.input as { cents: number }).cents))
  const now = sum(accounts.map(({ document }) => (document.snapshot.context as { cents: number }).cents)) + sum(coming.map(credit => credit?.cents ?? 0))
  return [
    ...(inOrder(debits) === inOrder(credits) ? [] : [`P2: ${debits.length} transfers were debited, and ${credits.length} credited or on their way`]),
    ...(now === opening ? [] : [`P2: the bank had ${opening} cents and now has ${now}`]),
  ]
}

/** Each receiver has had, or will have, the numbers 1, 2, 3 … of each sender, up to what that one has sent. */
function aboutOrder({ actors }: History, waiting: readonly Message<Body>[]): readonly string[] {
  const known = new Map([...actors.values()].map(actor => [addressOf(actor.id), numbersOf(actor, waiting)]))
  return [...actors.values()].flatMap(({ id, document }) => {
    const { sent = {} } = (document.snapshot.context ?? {}) as { sent?: Readonly<Record<string, number>> }
    return Object.entries(sent).filter(([to]) => to.includes('/')).flatMap(([to, count]) => {
      const numbers = known.get(to)?.get(id) ?? []
      const expected = Array.from({ length: count }, (_, n) => n + 1)
      return numbers.join() === expected.join() ? [] : [`P3: ${addressOf(id)} has sent ${count} events to ${to}, which has or will have ${numbers.join(' ')}`]
    })
  })
}

/** By sender; what comes again, as replayed dead letters do, counts where it came first. */
function numbersOf({ id, entries }: ActorHistory, waiting: readonly Message<Body>[]): ReadonlyMap<ActorId, readonly number[]> {
  const handled = entries.filter(({ kind }) => kind === 'event' || kind === 'failed')
  const coming = waiting.filter(({ to }) => to === id).map(message => ({ from: message.from ?? undefined, event: eventOf(message) }))
  const numbers = new Map<ActorId, number[]>()
  for (const { from, event } of [...handled, ...coming]) {
    const n = event?.['n']
    if (from === undefined || typeof n !== 'number') continue
    const seen = numbers.get(from as ActorId) ?? []
    if (!seen.includes(n)) seen.push(n)
    numbers.set(from as ActorId, seen)
  }
  return numbers
}
