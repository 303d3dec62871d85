import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Store } from 'troupe'
import { LiveActor } from '../../src/host/xstate/live-actor.ts'
import { checkHistory } from '../support/faults/checkers.ts'
import type { Violation } from '../support/faults/checkers.ts'
import type { Verb } from '../support/faults/fault-store.ts'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import type { Fault, FaultPlan, Run } from '../support/faults/fault-world.ts'
import type { ActorHistory, History } from '../support/faults/history.ts'
import { withDoubledOutbox, withEarlyAcknowledgement, withLettersDeletedFirst, withLossyOutbox, withReversedOutbox, withoutDedupe, withoutFence } from '../support/faults/planted.ts'
import { callFaults } from '../support/faults/sweep.ts'

/** The checkers of the crash points notice what they are there for: each fault planted here is caught. */
const CAUGHT_WITHIN_MS = 60_000
const caught: string[] = []
let calm: Run

beforeAll(async () => {
  calm = await runUnderFaults({ faults: [] })
  expect(checkHistory(calm.history)).toEqual([])
})

afterEach(() => vi.restoreAllMocks())

afterAll(() => console.log(`planted faults, caught after so many runs: ${caught.join(', ')}`))

/** Faults at the calls of one verb. */
const at = (verb: Verb, then: 'die' | 'freeze', when: 'before' | 'after'): readonly Fault[] =>
  callFaults(calm, then).filter(fault => 'call' in fault && fault.when === when && calm.calls[fault.call - 1] === verb)

/** Runs under one plan after the other until a checker notices; a run that comes to no end has been noticed, but does not count. */
async function hunt(name: string, property: Violation['property'], faults: readonly Fault[], plan: Partial<FaultPlan>): Promise<void> {
  const deadline = performance.now() + CAUGHT_WITHIN_MS
  let runs = 0
  for (const fault of faults.length > 0 ? faults : [undefined]) {
    if (performance.now() > deadline) break
    runs++
    const violations = await runUnderFaults({ ...plan, faults: fault ? [fault] : [] }).then(
      ({ history }) => checkHistory(history),
      () => [],
    )
    if (!violations.some(violation => violation.property === property)) continue
    caught.push(`${name} ${runs}`)
    return
  }
  expect.fail(`${name} was not noticed in ${runs} runs`)
}

describe('a store is caught that', () => {
  const plants: readonly (readonly [string, Violation['property'], (inner: Store) => Store, () => readonly Fault[]])[] = [
    ['has no fence', 'P4', withoutFence, () => at('commit', 'freeze', 'before')],
    ['acknowledges before it commits', 'P1', withEarlyAcknowledgement, () => at('take', 'die', 'before')],
    ['remembers no idempotency keys', 'P2', withoutDedupe, () => at('commit', 'die', 'after')],
    ['deletes a dead letter before its replay', 'P9', withLettersDeletedFirst, () => at('commit', 'die', 'before')],
    ['delivers messages between actors twice', 'P2', withDoubledOutbox, () => []],
    ['delivers messages between actors in another order', 'P3', withReversedOutbox, () => []],
    ['loses messages between actors', 'P3', withLossyOutbox, () => []],
  ]
  test.each(plants)('%s', async (name, property, plant, faults) => {
    // Where it takes a crash or a cut to show, it is the crash or the cut that shows it.
    if (faults().length > 0) expect(checkHistory((await runUnderFaults({ faults: [], plant })).history)).toEqual([])
    await hunt(name, property, faults(), { plant })
  })
})

describe('a host is caught that', () => {
  test('knows timers by their id only, not by their generation', async () => {
    plantTimersById()
    await hunt('timer without generation', 'P6', [], {})
  })

  test('fires timers that were cancelled', async () => {
    plantTimersById({ firesCancelled: true })
    await hunt('timer cancelled in vain', 'P6', [], {})
  })
})

/** Timers as alarms under an id: a new one under the same id does not move the alarm of the old one. */
function plantTimersById({ firesCancelled = false } = {}): void {
  type Due = NonNullable<ReturnType<LiveActor['dueTimer']>>
  const alarms = new WeakMap<LiveActor, Map<string, Due>>()
  const set = (live: LiveActor): void => {
    const known = alarms.get(live) ?? new Map<string, Due>()
    alarms.set(live, known)
    for (const [key, timer] of Object.entries(live.parts().timers)) if (!known.has(key)) known.set(key, { key, timer })
  }
  const { send, dueTimer } = LiveActor.prototype
  vi.spyOn(LiveActor.prototype, 'send').mockImplementation(function (this: LiveActor, ...args) {
    const step = send.apply(this, args)
    set(this)
    return step
  })
  vi.spyOn(LiveActor.prototype, 'dueTimer').mockImplementation(function (this: LiveActor, now) {
    const { timers } = this.parts()
    for (const [key, alarm] of alarms.get(this) ?? []) {
      if (alarm.timer.dueAt > now) continue
      alarms.get(this)?.delete(key)
      const current = timers[key]
      if (current) return { key, timer: current }
      if (firesCancelled) vi.spyOn(this, 'fire').mockImplementationOnce(() => send.call(this, alarm.timer.event))
      if (firesCancelled) return alarm
    }
    return dueTimer.call(this, now)
  })
}

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
