import { addressOf, parseAddress } from '../../../src/core/address.ts'
import type { ActorId } from '../../../src/core/address.ts'
import type { ActorDocument, TaskDocument, TimerDocument } from '../../../src/core/document.ts'
import type { JournalEntry } from '../../../src/core/journal.ts'
import { eventOf } from './history.ts'
import type { ActorHistory, History, Letter } from './history.ts'

/**
 * What must hold of every history, whatever has failed while it came to be. Each checker gives back what it found wrong;
 * `P1` to `P9` are the properties of reliability-security.
 */
export interface Violation {
  readonly property: 'P1' | 'P2' | 'P3' | 'P4' | 'P6' | 'P7' | 'P9'
  readonly what: string
}

type Report = (what: string) => void
type Checker = (history: History, report: Report) => void

export function checkHistory(history: History): readonly Violation[] {
  const violations: Violation[] = []
  for (const [property, checkers] of Object.entries(properties)) {
    for (const check of checkers) check(history, what => violations.push({ property: property as Violation['property'], what }))
  }
  return violations
}

// ── P1: no accepted event lost, none made up ────────────────────────────────────────────────────────────────

const opOf = (event: { readonly [key: string]: unknown } | undefined): string | undefined => event?.['op'] as string | undefined

function tally<T>(items: Iterable<T>, keyOf: (item: T) => string | undefined): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) {
    const key = keyOf(item)
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** Events that clients have sent, as handled by the actors they were sent to. */
const applied = ({ actors }: History) => [...actors.values()].flatMap(({ id, entries }) => entries.filter(({ kind, from }) => kind === 'event' && from === undefined).map(entry => ({ id, entry })))

const buried = ({ letters }: History): readonly Letter[] => letters.filter(({ message }) => message.from === null)

const checkAccepted: Checker = (history, report) => {
  const handled = tally(applied(history), ({ entry }) => opOf(entry.event))
  const dead = tally(buried(history), ({ message }) => opOf(eventOf(message)))
  for (const { op, to, type, acked } of history.sent.values()) {
    if (acked && !handled.has(op) && !dead.has(op)) report(`${type} ${op} to ${to} was accepted, but neither applied nor buried`)
  }
  for (const { id, entry } of applied(history)) {
    const op = opOf(entry.event)
    const sent = op === undefined ? undefined : history.sent.get(op)
    if (op !== undefined && sent?.to !== addressOf(id)) report(`${addressOf(id)} has applied ${op}, which nobody has sent to it`)
  }
}

// ── P2: state effects exactly once ──────────────────────────────────────────────────────────────────────────

const checkOnce: Checker = (history, report) => {
  const handled = tally(applied(history), ({ entry }) => opOf(entry.event))
  const present = tally(buried(history).filter(({ state }) => state !== 'replayed'), ({ message }) => opOf(eventOf(message)))
  for (const { op, to, keyed, tries } of history.sent.values()) {
    const times = (handled.get(op) ?? 0) + (present.get(op) ?? 0)
    if (times > (keyed ? 1 : tries)) report(`${op} was sent to ${to} ${tries} times ${keyed ? 'with one key' : 'without a key'} and took effect ${times} times`)
  }
}

const isAccount = ({ id }: ActorHistory): boolean => addressOf(id).startsWith('account/')

interface Booking {
  readonly op: string
  readonly cents: number
}

const bookings = ({ entries }: ActorHistory, type: string): readonly Booking[] => entries.flatMap(({ kind, event }) => (kind === 'event' && event?.type === type ? [event as unknown as Booking] : []))

/** The bank: money is neither made nor lost, each transfer is debited once and credited once, balances are those of a replay. */
const checkBank: Checker = ({ actors }, report) => {
  const accounts = [...actors.values()].filter(isAccount)
  const debits = tally(accounts.flatMap(account => bookings(account, 'TRANSFER')), ({ op }) => op)
  const credits = tally(accounts.flatMap(account => bookings(account, 'CREDIT')), ({ op }) => op)
  for (const op of new Set([...debits.keys(), ...credits.keys()])) {
    if (debits.get(op) !== 1 || credits.get(op) !== 1) report(`transfer ${op} was debited ${debits.get(op) ?? 0} times and credited ${credits.get(op) ?? 0} times`)
  }
  let [before, after] = [0, 0]
  for (const account of accounts) {
    const { cents: opening } = account.document.input as { cents: number }
    const { cents } = account.document.snapshot.context as { cents: number }
    const sum = (type: string): number => bookings(account, type).reduce((total, booking) => total + booking.cents, 0)
    const replayed = opening - sum('TRANSFER') + sum('CREDIT')
    if (replayed !== cents) report(`${addressOf(account.id)} has ${cents} cents, its journal says ${replayed}`)
    before += opening
    after += cents
  }
  if (before !== after) report(`the bank had ${before} cents and now has ${after}`)
}

/** The journal of an actor is gapless, begins with its one birth, and ends where its checkpoint does. */
const checkJournal: Checker = ({ actors }, report) => {
  for (const { id, record, entries } of actors.values()) {
    entries.forEach(({ seq, kind }, index) => {
      if (seq !== index + 1) report(`entry ${index + 1} of ${addressOf(id)} has sequence ${seq}`)
      if ((kind === 'start') !== (index === 0)) report(`${addressOf(id)} was born at step ${seq}`)
    })
    if (entries.length !== record.seq) report(`${addressOf(id)} is at step ${record.seq}, its journal at ${entries.length}`)
  }
}

// ── P3: order per sender and receiver ───────────────────────────────────────────────────────────────────────

const numberOf = (event: { readonly [key: string]: unknown } | undefined): number | undefined => event?.['n'] as number | undefined

/** Numbers of the events that an actor has had from each other one, in the order they came. */
function received({ entries }: ActorHistory, letters: readonly Letter[]): ReadonlyMap<ActorId, readonly number[]> {
  const numbers = new Map<ActorId, number[]>()
  const note = (from: ActorId, n: number | undefined, seen: number[] = numbers.get(from) ?? []): void => {
    if (n === undefined) return
    seen.push(n)
    numbers.set(from, seen)
  }
  const replays = new Map<string, number>()
  for (const { state, message } of letters) {
    const again = `${message.from} ${numberOf(eventOf(message))}`
    if (state === 'replayed') replays.set(again, (replays.get(again) ?? 0) + 1)
  }
  const failed = new Set<string>()
  for (const { kind, from, event } of entries) {
    if (from === undefined || (kind !== 'event' && kind !== 'failed')) continue
    const once = `${from} ${numberOf(event)}`
    // What has failed before does not count again, as often as it was replayed.
    const left = failed.has(once) ? (replays.get(once) ?? 0) : 0
    if (left > 0) replays.set(once, left - 1)
    else note(from, numberOf(event))
    if (kind === 'failed') failed.add(once)
  }
  // What an ended actor could not take any more came after all it has taken; among dead letters there is no order.
  const refused = letters.flatMap(({ message }) => ({ from: message.from, n: numberOf(eventOf(message)) })).toSorted((a, b) => (a.n ?? 0) - (b.n ?? 0))
  for (const { from, n } of refused) if (from !== null && n !== undefined && !numbers.get(from)?.includes(n)) note(from, n)
  return numbers
}

const checkOrder: Checker = ({ actors, letters }, report) => {
  const known = new Map([...actors.values()].map(actor => [actor, received(actor, letters.filter(letter => letter.actor === actor.id))]))
  for (const [receiver, senders] of known) {
    for (const [from, numbers] of senders) {
      if (numbers.some((n, index) => n !== index + 1)) report(`${addressOf(receiver.id)} has received ${numbers.join(' ')} from ${addressOf(from)}`)
    }
  }
  for (const sender of actors.values()) {
    const { sent = {} } = (sender.document.snapshot.context ?? {}) as { sent?: Readonly<Record<string, number>> }
    for (const [to, count] of Object.entries(sent)) {
      const receiver = receiverOf(actors, sender.id, to)
      const numbers = receiver && known.get(receiver)?.get(sender.id)
      if ((numbers?.length ?? 0) !== count) report(`${addressOf(sender.id)} has sent ${count} events to ${to}, which has received ${numbers?.length ?? 0}`)
    }
  }
}

/** Machines name their receivers by address, or by id when they are their children. */
function receiverOf(actors: History['actors'], sender: ActorId, to: string): ActorHistory | undefined {
  if (to.includes('/')) return actors.get(parseAddress(to))
  return [...actors.values()].find(({ id, record }) => record.parent === sender && id.includes(`>${to}#`))
}

// ── P4: one owner commits ───────────────────────────────────────────────────────────────────────────────────

const checkOwners: Checker = ({ commits = [] }, report) => {
  const last = new Map<number, (typeof commits)[number]>()
  for (const commit of commits) {
    const { partition, epoch, seq, token, id } = commit
    const former = last.get(partition)
    // A repetition after an unknown outcome changes nothing (S3).
    if (former?.id === id) continue
    last.set(partition, commit)
    if (seq !== (former?.seq ?? 0) + 1) report(`commit ${seq} of partition ${partition} follows ${former?.seq ?? 0}`)
    if (epoch < (former?.epoch ?? 0)) report(`partition ${partition} went back from epoch ${former?.epoch} to ${epoch}`)
    if (epoch === former?.epoch && token !== former.token) report(`epoch ${epoch} of partition ${partition} has two owners`)
  }
}

// ── P6: timers ──────────────────────────────────────────────────────────────────────────────────────────────

/** Once per generation, never early, cancelled never: by what the journal says was scheduled and dropped. */
const checkTimers: Checker = ({ actors, endedAt }, report) => {
  for (const { id, record, born, document, entries } of actors.values()) {
    const pending = new Map(Object.entries(born.timers))
    const fired = new Set<number>()
    for (const entry of entries) {
      if (entry.kind === 'timer' && entry.event?.type !== 'timer.dropped') {
        const timer = droppedFirst(entry, pending)
        if (!timer) report(`step ${entry.seq} of ${addressOf(id)} is a timer that was not scheduled: cancelled, or fired before`)
        else if (fired.has(timer.generation)) report(`timer ${timer.id} of ${addressOf(id)} has fired twice`)
        else if (timer.dueAt > entry.at) report(`timer ${timer.id} of ${addressOf(id)} was due at ${timer.dueAt} and fired at ${entry.at}`)
        if (timer) fired.add(timer.generation)
      }
      for (const [path, ...value] of entry.delta ?? []) {
        if (path.length === 0) {
          pending.clear()
          for (const [key, timer] of Object.entries((value[0] as ActorDocument).timers)) pending.set(key, timer)
        }
        if (path[0] !== 'timers' || path.length !== 2) continue
        if (value.length === 0) pending.delete(path[1] as string)
        else pending.set(path[1] as string, value[0] as TimerDocument)
      }
    }
    for (const timer of Object.values(document.timers)) {
      if (record.status === 'active' && timer.dueAt <= endedAt) report(`timer ${timer.id} of ${addressOf(id)} was due at ${timer.dueAt} and had not fired at ${endedAt}`)
    }
  }
}

function droppedFirst({ delta = [] }: JournalEntry, pending: ReadonlyMap<string, TimerDocument>): TimerDocument | undefined {
  const dropped = delta.find(([path, ...value]) => path[0] === 'timers' && path.length === 2 && value.length === 0)
  return dropped && pending.get(dropped[0][1] as string)
}

/** The same again from what the machine itself has seen: armed, disarmed and ticked. */
const checkTicks: Checker = ({ actors, endedAt, isRealTime }, report) => {
  for (const { id, record, entries } of actors.values()) {
    const armed = new Map<number, { readonly id: string; readonly dueAt: number }>()
    const over = new Set<number>()
    for (const [index, { kind, at, event }] of entries.entries()) {
      const { type, n = 0, id: timer = '', delay = 0 } = (event ?? {}) as { type?: string; n?: number; id?: string; delay?: number }
      // A step is stamped when it is over; its timers count from within it.
      if (type === 'ARM') armed.set(n, { id: timer, dueAt: (isRealTime ? (entries[index - 1]?.at ?? at) : at) + delay })
      if (type === 'DISARM') for (const [number, { id: other }] of armed) if (other === timer) over.add(number)
      if (type !== 'TICK' || kind !== 'timer') continue
      if (over.has(n)) report(`tick ${n} of ${addressOf(id)} came again, or after it was disarmed`)
      if (at < (armed.get(n)?.dueAt ?? Infinity)) report(`tick ${n} of ${addressOf(id)} came at ${at}, before ${armed.get(n)?.dueAt}`)
      over.add(n)
    }
    for (const [n, { dueAt }] of armed) if (!over.has(n) && dueAt <= endedAt && record.status === 'active') report(`tick ${n} of ${addressOf(id)} never came`)
  }
}

// ── P7: tasks ───────────────────────────────────────────────────────────────────────────────────────────────

/** An attempt runs once, the key of a task never changes and belongs to it alone. */
const checkEffects: Checker = ({ effects }, report) => {
  const attempts = tally(effects, ({ key, attempt }) => `attempt ${attempt} of ${key}`)
  for (const [attempt, times] of attempts) if (times > 1) report(`${attempt} ran ${times} times`)
  const keys = Map.groupBy(effects, ({ task }) => task)
  const owners = new Map<string, string>()
  for (const [task, made] of keys) {
    const own = new Set(made.map(({ key }) => key))
    if (own.size !== 1) report(`task ${task} ran under the keys ${[...own].join(', ')}`)
    for (const key of own) {
      if (owners.has(key)) report(`tasks ${task} and ${owners.get(key)} share the key ${key}`)
      owners.set(key, task)
    }
  }
}

/** A task ends once, by its latest attempt, and that attempt did run. */
const checkTasks: Checker = ({ actors, effects }, report) => {
  const ran = new Set(effects.map(({ key, attempt }) => `${key} ${attempt}`))
  const known = new Set(effects.map(({ key }) => key))
  for (const { id, entries } of actors.values()) {
    const attempts = new Map<string, number>()
    const ended = new Set<string>()
    for (const { event, delta = [] } of entries) {
      const { type, task = '', attempt = 0 } = (event ?? {}) as { type?: string; task?: string; attempt?: number }
      if (type === 'task.done' || type === 'task.failed') {
        if (ended.has(task)) report(`task ${task} of ${addressOf(id)} has ended twice`)
        if (attempts.has(task) && attempts.get(task) !== attempt) report(`task ${task} of ${addressOf(id)} ended by attempt ${attempt}, while ${attempts.get(task)} was the latest`)
        if (known.has(`${id}:${task}`) && !ran.has(`${id}:${task} ${attempt}`)) report(`task ${task} of ${addressOf(id)} ended by attempt ${attempt}, which never ran`)
        ended.add(task)
      }
      for (const [path, ...value] of delta) {
        if (path[0] === 'tasks' && path.length === 2 && value.length === 1) attempts.set(path[1] as string, (value[0] as TaskDocument).attempt)
      }
    }
  }
}

// ── P9: dead letters ────────────────────────────────────────────────────────────────────────────────────────

/** Every letter that was ever written is still there, unchanged, and resolved exactly as often as it was resolved. */
const checkLetters: Checker = ({ commits, letters }, report) => {
  if (!commits) return
  const kept = new Map(letters.map(letter => [letter.id, letter]))
  const resolved = commits.flatMap(commit => commit.resolved)
  const written = commits.flatMap(commit => commit.letters)
  for (const { id, data } of written) {
    const letter = kept.get(id)
    const ends = new Set(resolved.filter(resolution => resolution.id === id).map(({ state, at }) => `${state} ${at}`))
    if (!letter) report(`dead letter ${id} is gone`)
    else if (letter.data !== data) report(`dead letter ${id} has changed`)
    else if (ends.size > 1) report(`dead letter ${id} was resolved ${ends.size} times`)
    else if ((letter.state === 'present') !== (ends.size === 0)) report(`dead letter ${id} is ${letter.state}, but was resolved ${ends.size} times`)
  }
  const ids = new Set(written.map(({ id }) => id))
  for (const { id } of letters) if (!ids.has(id)) report(`dead letter ${id} came from nowhere`)
}

/** What was replayed has been handled again: applied, or buried under a new letter. */
const checkReplays: Checker = (history, report) => {
  const handled = tally(applied(history), ({ entry }) => opOf(entry.event))
  const dead = tally(history.letters, ({ message }) => opOf(eventOf(message)))
  for (const { state, message } of history.letters) {
    const op = opOf(eventOf(message))
    if (state === 'replayed' && op !== undefined && message.from === null && (handled.get(op) ?? 0) + (dead.get(op) ?? 0) < 2) report(`${op} was replayed, but not handled again`)
  }
}

const properties: Readonly<Record<Violation['property'], readonly Checker[]>> = {
  P1: [checkAccepted],
  P2: [checkOnce, checkBank, checkJournal],
  P3: [checkOrder],
  P4: [checkOwners],
  P6: [checkTimers, checkTicks],
  P7: [checkEffects, checkTasks],
  P9: [checkLetters, checkReplays],
}

/** The history in words, for the message of a failed test. */
export const violationsText = (violations: readonly Violation[]): string => violations.map(({ property, what }) => `${property}: ${what}`).join('\n')
