import { describe, expect, test } from 'vitest'
import type { ActorInfo, Chart, ChartTransition, LiveStep, Step } from '../../../src/inspector/protocol.ts'
import { takenBy } from '../../../src/inspector/ui/chart/activity.ts'
import { KEPT_MAX, NO_LOG, extend, holds, prepend } from '../../../src/inspector/ui/pages/actor/log/log-window.ts'
import { eventWords, whatOf } from '../../../src/inspector/ui/pages/actor/log/step-words.ts'
import { statesOfValue } from '../../../src/inspector/ui/pages/actor/state-value.ts'
import { ActorRows, FRESH_MAX } from '../../../src/inspector/ui/pages/actors/actor-rows.ts'
import { filterOf } from '../../../src/inspector/ui/pages/actors/filter.ts'
import { DIFFERENCES_MAX, differencesOf, pathText } from '../../../src/inspector/ui/parts/changes.ts'
import { leavesOf, shortPath } from '../../../src/inspector/ui/parts/state-paths.ts'
import { matchPath } from '../../../src/inspector/ui/routing/match.ts'

const step = (seq: number, facts: Partial<Step> = {}): Step => ({ seq, at: seq, kind: 'event', states: ['a'], status: 'active', value: 'a', tags: [], context: { seq }, ...facts })
const steps = (from: number, to: number): readonly Step[] => Array.from({ length: to - from + 1 }, (_, index) => step(from + index))

describe('the log', () => {
  test('grows at its end without contexts, and forgets the oldest before it fills the memory', () => {
    const grown = extend(extend(NO_LOG, steps(1, 3)), steps(3, 5))
    expect(grown.steps.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
    expect(grown.steps.every(one => !('context' in one))).toBe(true)
    const full = extend(grown, steps(6, KEPT_MAX + 50))
    expect([full.steps.length, full.steps[0]?.seq, full.isFromStart]).toEqual([KEPT_MAX, 51, false])
  })

  test('never has a gap: where live steps do not join, it stays behind', () => {
    const behind = extend(extend(NO_LOG, steps(1, 3)), steps(9, 9))
    expect([behind.steps.length, behind.isAtTail]).toEqual([3, false])
    expect(extend(behind, steps(4, 4))).toBe(behind)
  })

  test('takes older steps before its first', () => {
    const window = prepend(extend(NO_LOG, steps(5, 6)), steps(3, 5), true)
    expect(window.steps.map(({ seq }) => seq)).toEqual([3, 4, 5, 6])
    expect([holds(window, 3), holds(window, 6), holds(window, 2), holds(NO_LOG, 1)]).toEqual([true, true, false, false])
  })

  test('says what a step was in words of the machine', () => {
    const invoked = new Map([['0.order.paying', 'charge']])
    expect(whatOf(step(1, { kind: 'task', path: '/0.order.paying', event: { type: 'task.done' } }), invoked)).toBe('charge done')
    expect(whatOf(step(1, { event: { type: 'PAY' }, path: '/cart' }), invoked)).toBe('PAY for cart')
    expect(whatOf(step(1, { kind: 'failed', error: { name: 'Error', message: 'no' } }), invoked)).toBe('failed: no')
    expect(eventWords('xstate.after.600000.order.paying.card')).toBe('after 10 min in paying.card')
    expect(eventWords('xstate.after.patience.order.paying')).toBe('after patience in paying')
    expect(eventWords('PAY')).toBe('PAY')
  })
})

describe('the list', () => {
  const info = (key: string, facts: Partial<ActorInfo> = {}): ActorInfo => ({
    address: `order/${key}`, machine: 'order', key, run: `order/${key}`, parent: null, status: 'active', states: ['open'], tags: [], seq: 1, version: '1',
    waiting: 0, openTasks: 0, dueAt: null, createdAt: 0, updatedAt: 0, completedAt: null, failure: null, ...facts,
  })
  const live = (key: string, seq: number, facts: Partial<LiveStep> = {}): LiveStep => ({
    cursor: 'c', address: `order/${key}`, machine: 'order', run: `order/${key}`, seq, at: seq, kind: 'event', states: ['open'], status: 'active', value: 'open', tags: [], ...facts,
  })
  const keys = (rows: ActorRows): readonly (string | undefined)[] => Array.from({ length: rows.length }, (_, index) => rows.at(index)?.info.key)

  test('changes rows in place, puts new actors above, and takes nothing twice', () => {
    const rows = new ActorRows({})
    rows.add([info('b'), info('a')])
    expect(rows.apply([live('a', 2, { states: ['paid'] }), live('c', 1), live('d', 1)])).toBe(true)
    rows.add([info('c'), info('z')])
    expect(keys(rows)).toEqual(['d', 'c', 'b', 'a', 'z'])
    expect(rows.at(3)?.info).toMatchObject({ states: ['paid'], seq: 2 })
  })

  test('an older step changes nothing, and one of an actor on a page not read yet is not shown', () => {
    const rows = new ActorRows({})
    rows.add([info('a', { seq: 5 })])
    expect(rows.apply([live('a', 4), live('x', 7)])).toBe(false)
  })

  test('an actor that leaves the filter stays in its place and says so', () => {
    const rows = new ActorRows({ state: 'open' })
    rows.add([info('a')])
    rows.apply([live('a', 2, { states: ['paid'] }), live('b', 9)])
    expect([rows.at(1)?.passes, rows.at(0)?.info.key]).toEqual([false, 'b'])
  })

  test('very many new ones are not kept', () => {
    const rows = new ActorRows({})
    rows.apply(Array.from({ length: FRESH_MAX + 10 }, (_, index) => live(`k${index}`, 1)))
    expect([rows.length, rows.isOverfull]).toEqual([FRESH_MAX, true])
  })

  test('the address bar is a filter; words it does not know are left out', () => {
    expect(filterOf({ machine: 'order', status: 'failed', text: 'x', age: '1h', tab: 'log' }, 4_000_000)).toEqual({ machine: 'order', status: 'failed', text: 'x', updatedAfter: 400_000 })
    expect(filterOf({ status: 'happy', age: 'never' }, 0)).toEqual({})
    expect(filterOf({ age: 'idle-1h' }, 3_600_001)).toEqual({ updatedBefore: 1 })
  })
})

describe('differences', () => {
  test('are found where they are, however deep', () => {
    const found = differencesOf({ a: 1, list: [1, 2], gone: true, same: { x: 1 } }, { a: 2, list: [1, 2, 3], same: { x: 1 }, fresh: null })
    expect(found.map(({ path, change }) => `${pathText(path)} ${change}`)).toEqual(['a changed', 'list[2] added', 'gone removed', 'fresh added'])
    expect(differencesOf([1], { 0: 1 })).toHaveLength(1)
    expect(differencesOf(1, 1)).toEqual([])
  })

  test('are no more than anybody reads', () => {
    expect(differencesOf([], Array.from({ length: 10_000 }, () => 1))).toHaveLength(DIFFERENCES_MAX)
  })
})

describe('the transition that a step took', () => {
  const transition = (id: string, source: string, target: string, event: string, kind: ChartTransition['kind'] = 'event'): ChartTransition => ({ id, source, targets: target ? [target] : [], event, label: event, guard: null, actions: [], kind, reenter: false })
  const chart: Chart = {
    id: 'm',
    root: { id: 'm', key: 'm', path: '', type: 'compound', initial: 'a', history: null, description: null, tags: [], entry: [], exit: [], invoke: [], states: [] },
    transitions: [transition('up', '', 'c', 'GO'), transition('in', 'a.x', 'b', 'GO'), transition('stay', 'a', '', 'GO'), transition('always', 'b', 'c', '', 'always'), transition('done', 'a', 'b', 'xstate.done.state.m.a', 'done')],
  }
  const taken = (before: readonly string[], after: readonly string[], event?: string) => [...takenBy(chart, { states: [...after], event: event === undefined ? undefined : { type: event } }, { states: before })]

  test('is that of the innermost state for the event', () => expect(taken(['a', 'a.x'], ['b'], 'GO')).toEqual(['in']))
  test('is what leads from what was left to what was entered, where the event names none', () => expect(taken(['a', 'a.x'], ['b'], 'task.done')).toEqual(['done']))
  test('is none at the start', () => expect([...takenBy(chart, { states: ['a'] }, undefined)]).toEqual([]))
})

test('state values are the paths that actors have', () => {
  expect(statesOfValue({ pay: { card: 'asked' }, ship: 'idle' })).toEqual(['pay', 'pay.card', 'pay.card.asked', 'ship', 'ship.idle'])
  expect(leavesOf(['pay', 'pay.card', 'pay.card.asked', 'ship'])).toEqual(['pay.card.asked', 'ship'])
  expect([shortPath('pay.card.asked'), shortPath('ship.idle')]).toEqual(['…card.asked', 'ship.idle'])
})

test('paths are matched by their parts, with what is escaped in them', () => {
  expect(matchPath('/actors/:machine/:key', '/actors/bee/hive%2F1%3Ecell%237')).toEqual({ machine: 'bee', key: 'hive/1>cell#7' })
  expect([matchPath('/actors', '/actors/'), matchPath('/actors', '/runs'), matchPath('/actors/:machine/:key', '/actors/a'), matchPath('/a/:b', '/a/%E0%A4%A')]).toEqual([{}, undefined, undefined, undefined])
})
