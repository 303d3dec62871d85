import { addressOf } from '../../../src/core/address.ts'
import { checkHistory } from '../faults/checkers.ts'
import type { ActorHistory, History } from '../faults/history.ts'
import type { Foreman, Saga } from './fleet-machines.ts'
import { ACCOUNTS, OPENING_CENTS } from './load.ts'
import type { Load } from './load.ts'

/** What is wrong with the history of a load, in words: nothing, or the properties of reliability-security that it breaks. */
export function complaintsAbout(history: History, load: Load): readonly string[] {
  const actors = [...history.actors.values()]
  const of = (machine: string) => actors.filter(({ id }) => addressOf(id).startsWith(`${machine}/`))
  return [
    ...checkHistory(history).map(({ property, what }) => `${property}: ${what}`),
    ...aboutOrder(actors, load),
    ...aboutBank(of('account')),
    ...aboutJobs(of('foreman'), history, load),
    ...aboutSagas(of('foreman'), history, load),
    ...history.letters.map(({ id, cause }) => `P9: ${id} is a dead letter: ${cause}`),
  ]
}

/** P1 to P3: each actor has handled what was sent to it, once each, and what came through one worker in its order. */
function aboutOrder(actors: readonly ActorHistory[], { sent, through }: Load): readonly string[] {
  const lanes = Map.groupBy(sent.values(), ({ to }) => to)
  return actors.flatMap(({ id, entries }) => {
    const begun = (lanes.get(addressOf(id)) ?? []).map(({ op }) => op)
    const handled = entries.flatMap(({ kind, from, event }) => (kind === 'event' && from === undefined ? [event?.['op'] as string] : []))
    if (handled.toSorted().join() !== begun.toSorted().join()) return [`P1: ${addressOf(id)} was sent ${begun.length} events and has handled ${handled.length}, or others`]
    const legs = Map.groupBy(handled, op => through.get(op))
    legs.delete(undefined)
    const rank = new Map(begun.map((op, index) => [op, index]))
    const swapped = [...legs].flatMap(([worker, leg]) => leg.filter((op, index) => (rank.get(op) ?? 0) < (rank.get(leg[index - 1] ?? op) ?? 0)).map(op => `${op} through worker ${worker}`))
    return swapped.map(what => `P3: ${addressOf(id)} has handled ${what} after one that was sent later`)
  })
}

/** P2: no cent is made or lost. */
function aboutBank(accounts: readonly ActorHistory[]): readonly string[] {
  const total = accounts.reduce((sum, { document }) => sum + (document.snapshot.context as { cents: number }).cents, 0)
  return total === ACCOUNTS * OPENING_CENTS ? [] : [`P2: ${accounts.length} accounts have ${total} cents, not ${ACCOUNTS * OPENING_CENTS}`]
}

const resultsOf = (foremen: readonly ActorHistory[]): ReadonlyMap<string, unknown> => new Map(foremen.flatMap(({ document }) => Object.entries((document.snapshot.context as Foreman).results)))

/** P7: each job has its result, and each effect that it needed was made. */
function aboutJobs(foremen: readonly ActorHistory[], { effects }: History, { jobs }: Load): readonly string[] {
  const results = resultsOf(foremen)
  const attempts = Map.groupBy(effects, ({ task }) => task)
  return [...jobs.values()].flatMap(({ name, failures }) => {
    if (results.get(name) !== name) return [`P7: job ${name} came to ${JSON.stringify(results.get(name))}`]
    return attempts.get(name)?.some(({ attempt }) => attempt > failures) ? [] : [`P7: job ${name} is over, but what it had to do was never done`]
  })
}

/** P8: each saga is completed, or compensated in reverse order. */
function aboutSagas(foremen: readonly ActorHistory[], { effects }: History, { sagas }: Load): readonly string[] {
  const results = resultsOf(foremen)
  const deeds = new Map<string, Set<string>>()
  for (const { task } of effects) {
    const saga = task.split(' ')[0] as string
    deeds.set(saga, (deeds.get(saga) ?? new Set()).add(task))
  }
  return [...sagas.values()].flatMap((saga) => {
    const { name, steps, declined } = saga
    const done = [...(deeds.get(name) ?? [])].join()
    const output = declined < steps ? 'compensated' : 'completed'
    if (results.get(name) === output && done === deedsOf(saga).join()) return []
    return [`P8: saga ${name}, declined at ${declined} of ${steps}, came to ${JSON.stringify(results.get(name))}: ${done}`]
  })
}

/** A step may be done more than once, but never again after a later one was begun. */
function deedsOf({ name, steps, declined }: Saga): readonly string[] {
  const done = Array.from({ length: Math.min(steps, declined) }, (_, step) => step)
  return [...done.map(step => `${name} does ${step}`), ...(declined < steps ? done.toReversed().map(step => `${name} undoes ${step}`) : [])]
}
