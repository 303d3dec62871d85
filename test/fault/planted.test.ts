import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from 'troupe'
import { checkHistory } from '../support/faults/checkers.ts'
import type { Violation } from '../support/faults/checkers.ts'
import type { Verb } from '../support/faults/fault-store.ts'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import type { Fault, Run } from '../support/faults/fault-world.ts'
import type { ActorHistory, History } from '../support/faults/history.ts'
import { withEarlyAcknowledgement, withLettersDeletedFirst, withoutDedupe, withoutFence } from '../support/faults/planted.ts'
import { callFaults } from '../support/faults/sweep.ts'

/** The crash points and their checkers notice what they are there for. What shows without a crash is planted in test/simulation. */
const CAUGHT_WITHIN_MS = 60_000
const caught: string[] = []
let calm: Run

beforeAll(async () => {
  calm = await runUnderFaults({ faults: [] })
  expect(checkHistory(calm.history)).toEqual([])
})

afterAll(() => console.log(`planted faults, caught after so many runs: ${caught.join(', ')}`))

/** Faults at the calls of one verb. */
const at = (verb: Verb, then: 'die' | 'freeze', when: 'before' | 'after'): readonly Fault[] =>
  callFaults(calm, then).filter(fault => 'call' in fault && fault.when === when && calm.calls[fault.call - 1] === verb)

/** Runs under one fault after the other until a checker notices; a run that comes to no end has been noticed, but does not count. */
async function hunt(name: string, property: Violation['property'], faults: readonly Fault[], plant: (inner: Store) => Store): Promise<void> {
  const deadline = performance.now() + CAUGHT_WITHIN_MS
  let runs = 0
  for (const fault of faults) {
    if (performance.now() > deadline) break
    runs++
    const violations = await runUnderFaults({ plant, faults: [fault] }).then(
      ({ history }) => checkHistory(history),
      () => [],
    )
    if (!violations.some(violation => violation.property === property)) continue
    caught.push(`${name} ${runs}`)
    // It takes both: the fault alone breaks nothing.
    return expect(checkHistory((await runUnderFaults({ faults: [fault] })).history)).toEqual([])
  }
  expect.fail(`${name} was not noticed in ${runs} runs`)
}

describe('a store is caught that', () => {
  const plants: readonly (readonly [string, Violation['property'], (inner: Store) => Store, () => readonly Fault[]])[] = [
    ['has no fence', 'P4', withoutFence, () => at('commit', 'freeze', 'before')],
    ['acknowledges before it commits', 'P1', withEarlyAcknowledgement, () => at('take', 'die', 'before')],
    ['remembers no idempotency keys', 'P2', withoutDedupe, () => at('commit', 'die', 'after')],
    ['deletes a dead letter before its replay', 'P9', withLettersDeletedFirst, () => at('commit', 'die', 'before')],
  ]
  test.each(plants)('%s', async (name, property, plant, faults) => {
    expect(checkHistory((await runUnderFaults({ plant, faults: [] })).history)).toEqual([])
    await hunt(name, property, faults(), plant)
  })
})

describe('a doctored history is noticed:', () => {
  type Doctor = (history: History) => History
  const actor = (id: string, change: (actor: ActorHistory) => Partial<ActorHistory>): Doctor => history => ({
    ...history,
    actors: new Map([...history.actors].map(([key, known]) => [key, key === `default/${id}` ? { ...known, ...change(known) } : known])),
  })
  const entries = (id: string, change: (list: ActorHistory['entries']) => ActorHistory['entries']): Doctor => actor(id, ({ entries: list }) => ({ entries: change(list) }))
  const context = (id: string, change: object): Doctor =>
    actor(id, ({ document }) => ({ document: { ...document, snapshot: { ...document.snapshot, context: { ...(document.snapshot.context as object), ...change } } } }))
  const swap = <T>(list: readonly T[], first: number, second: number): readonly T[] => list.with(first, list[second] as T).with(second, list[first] as T)
  const isCredit = ({ event }: ActorHistory['entries'][number]): boolean => event?.type === 'CREDIT'
  const isTick = ({ kind, event }: ActorHistory['entries'][number]): boolean => kind === 'timer' && event?.type === 'TICK'

  const doctors: readonly (readonly [string, Violation['property'], Doctor])[] = [
    ['an accepted event without a trace', 'P1', history => ({ ...history, sent: new Map([...history.sent, ['ghost', { op: 'ghost', to: 'account/a', type: 'NOTE', keyed: true, tries: 1, acked: true }]]) })],
    ['an event that nobody has sent', 'P1', history => ({ ...history, sent: new Map([...history.sent].filter(([op]) => op !== 'a1')) })],
    ['an event twice', 'P2', entries('account/a', list => list.map(entry => (entry.event?.['op'] === 'a2' ? { ...entry, event: { ...entry.event, op: 'a1' } } : entry)))],
    ['a cent too many', 'P2', context('account/a', { cents: 1_000_000 })],
    ['a credit less', 'P2', entries('account/a', list => list.filter(entry => !isCredit(entry)))],
    ['a gap in the journal', 'P2', entries('account/a', list => list.filter(({ seq }) => seq !== 2))],
    ['a second birth', 'P2', entries('account/a', list => [...list, { ...(list[0] as (typeof list)[number]), seq: list.length + 1 }])],
    ['an event that came after a later one', 'P3', entries('worker/crew/c>invoked#2', list => swap(list, 1, 2))],
    ['an event that never came', 'P3', context('account/d', { sent: { 'fragile/q': 99 } })],
    ['two owners in one epoch', 'P4', history => ({ ...history, commits: history.commits?.map((commit, index) => (index % 2 === 0 ? commit : { ...commit, token: 'other' })) ?? [] })],
    ['an epoch that went back', 'P4', history => ({ ...history, commits: history.commits?.map((commit, index, all) => (index === all.length - 1 ? { ...commit, epoch: 0 } : commit)) ?? [] })],
    ['a commit that is missing', 'P4', history => ({ ...history, commits: history.commits?.slice(1) ?? [] })],
    ['a timer that came early', 'P6', entries('clockwork/t', list => list.map(entry => (isTick(entry) ? { ...entry, at: entry.at - 500 } : entry)))],
    ['a timer that came twice', 'P6', entries('clockwork/t', list => [...list, ...list.filter(isTick)].map((entry, index) => ({ ...entry, seq: index + 1 })))],
    ['a timer that never came', 'P6', entries('clockwork/t', list => list.filter(entry => !isTick(entry)))],
    ['an attempt that ran twice', 'P7', history => ({ ...history, effects: [...history.effects, ...history.effects.slice(0, 1)] })],
    ['a task with two keys', 'P7', history => ({ ...history, effects: history.effects.map((effect, index) => (index === 1 ? { ...effect, key: 'other' } : effect)) })],
    ['a result without an attempt', 'P7', history => ({ ...history, effects: history.effects.filter(({ attempt }) => attempt === 1) })],
    ['a stale result', 'P7', entries('tasker/k', list => list.map(entry => (entry.event?.type === 'task.done' ? { ...entry, event: { ...entry.event, attempt: 1 } } : entry)))],
    ['a dead letter that is gone', 'P9', history => ({ ...history, letters: history.letters.slice(1) })],
    ['a dead letter that has changed', 'P9', history => ({ ...history, letters: history.letters.map(letter => ({ ...letter, data: `${letter.data} ` })) })],
    ['a replay that is not written down', 'P9', history => ({ ...history, letters: history.letters.map(letter => ({ ...letter, state: 'present' as const })) })],
  ]
  test.each(doctors)('%s', (_name, property, doctor) => {
    expect(checkHistory(doctor(calm.history)).map(violation => violation.property)).toContain(property)
  })
})
