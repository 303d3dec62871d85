import { createActor, fromCallback, fromPromise, setup } from 'xstate'
import type { AnyStateMachine } from 'xstate'
import { expect, test } from 'vitest'
import { chart as chartSchema } from '../../src/core/client/views.ts'
import type { ChartState } from '../../src/core/client/views.ts'
import { chartOf } from '../../src/graph/chart.ts'
import { createDraw } from '../../src/graph/drawing.ts'
import { statesOf } from '../../src/core/states.ts'
import { kindOf } from '../../src/host/xstate/logic.ts'
import { remote } from '../../src/index.ts'
import { pages } from '../support/docs/pages.ts'

const chart = (machine: AnyStateMachine) => chartOf(machine, kindOf)
const allOf = (state: ChartState): readonly ChartState[] => [state, ...state.states.flatMap(allOf)]

test.each(Object.entries(pages))('the chart of %s is whole: as its schema says, ids once, arrows between states that are there', (_, machine) => {
  const drawn = chart(machine)
  expect(chartSchema.parse(drawn)).toEqual(drawn)
  const paths = allOf(drawn.root).map(({ path }) => path)
  expect(new Set(paths).size).toBe(paths.length)
  expect(paths.length).toBeGreaterThan(1)
  expect(new Set(drawn.transitions.map(({ id }) => id)).size).toBe(drawn.transitions.length)
  for (const { source, targets, label } of drawn.transitions) {
    expect(paths).toEqual(expect.arrayContaining([source, ...targets]))
    expect(label).not.toBe('')
  }
})

const odd = setup({
  types: { events: {} as { readonly type: 'go' | 'again' | 'deep.one' } },
  actors: { work: fromPromise(async () => 1), part: setup({}).createMachine({}), far: remote('order'), listen: fromCallback(() => undefined) },
  guards: { big: () => true },
  actions: { keep: () => undefined },
  delays: { patience: 100 },
}).createMachine({
  id: 'odd',
  type: 'parallel',
  states: {
    left: {
      initial: 'a',
      states: {
        a: { description: 'waits', tags: ['calm'], entry: 'keep', exit: ['keep', () => undefined], on: { go: { guard: 'big', target: 'b', actions: 'keep' }, again: { target: 'a', reenter: true }, 'deep.*': '#odd.right.x.past', '*': {} } },
        b: { type: 'parallel', states: { 'p.q': { initial: 'one', states: { one: {} } }, r: {} }, after: { 10: 'a', patience: '#end' } },
      },
    },
    right: {
      initial: 'x',
      onDone: { actions: 'keep' },
      states: {
        x: {
          initial: 'i',
          invoke: [{ src: 'work', onDone: 'end', onError: '.i' }, { id: 'sub', src: 'part' }, { id: 'away', src: 'far', onSnapshot: { actions: 'keep' } }, { id: 'ear', src: 'listen' }, { src: fromPromise(async () => 2), onDone: 'end' }],
          states: { i: { always: { guard: 'big', target: 'j' } }, j: {}, past: { type: 'history', history: 'deep' }, near: { type: 'history' } },
        },
        end: { id: 'end', type: 'final' },
      },
    },
  },
})

test('states are under the paths that an actor has, whatever the nesting', () => {
  const { root } = chart(odd)
  const paths = allOf(root).map(({ path }) => path)
  const actor = createActor(odd).start()
  actor.send({ type: 'go' })
  const active = statesOf(actor.getSnapshot().value)
  expect(active).toContain('left.b.p.q.one')
  expect(paths).toEqual(expect.arrayContaining([...active]))
  expect(root).toMatchObject({ path: '', type: 'parallel', initial: null })
  const byPath = new Map(allOf(root).map(state => [state.path, state]))
  expect(byPath.get('left')).toMatchObject({ type: 'compound', initial: 'left.a' })
  expect(byPath.get('left.a')).toMatchObject({ type: 'atomic', description: 'waits', tags: ['calm'], entry: ['keep'], exit: ['keep'], initial: null })
  expect(byPath.get('right.x.past')).toMatchObject({ type: 'history', history: 'deep' })
  expect(byPath.get('right.x.near')).toMatchObject({ type: 'history', history: 'shallow' })
  expect(byPath.get('right.end')).toMatchObject({ type: 'final', history: null, id: 'end' })
})

test('invokes say what they are, and which registered machine they stand for', () => {
  const x = allOf(chart(odd).root).find(({ path }) => path === 'right.x')
  expect(x?.invoke.map(({ src, kind, machine }) => [src, kind, machine])).toEqual([['work', 'task', null], ['part', 'machine', null], ['far', 'remote', 'order'], ['listen', 'logic', null], ['inline actor', 'task', null]])
})

test('transitions say what people call them: events, guards, delays, ends of invokes, targets by id, those that stay', () => {
  const { transitions } = chart(odd)
  const lines = transitions.map(({ source, targets, label, kind, guard, actions, reenter }) => [source, kind, label, targets.join(), guard, actions.join(), reenter])
  expect(lines).toEqual(expect.arrayContaining([
    ['left.a', 'event', 'go', 'left.b', 'big', 'keep', false],
    ['left.a', 'event', 'again', 'left.a', null, '', true],
    ['left.a', 'event', 'deep.*', 'right.x.past', null, '', false],
    ['left.a', 'any', 'any other event', '', null, '', false],
    ['left.b', 'after', 'after 10 ms', 'left.a', null, '', false],
    ['left.b', 'after', 'after patience', 'right.end', null, '', false],
    ['right.x.i', 'always', 'always', 'right.x.j', 'big', '', false],
    ['right.x', 'done', 'work done', 'right.end', null, '', false],
    ['right.x', 'error', 'work failed', 'right.x.i', null, '', false],
    ['right.x', 'snapshot', 'away changed', '', null, 'keep', false],
    ['right.x', 'done', 'inline actor done', 'right.end', null, '', false],
    ['right', 'done', 'done', '', null, 'keep', false],
  ]))
  expect(transitions.find(({ label }) => label === 'work done')?.event).toMatch(/^xstate\.done\.actor\./)
})

test('a machine is drawn once, however often it is asked for, and logic without states not at all', () => {
  const draw = createDraw(kindOf)
  expect(draw(odd)).toBe(draw(odd))
  expect(draw(odd)?.mermaid).toMatch(/^stateDiagram-v2/)
  expect(draw(fromPromise(async () => 1))).toBeNull()
})

test('1,000 states and a nesting of 300 are drawn', () => {
  const many = setup({}).createMachine({ initial: 's0', states: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`s${index}`, { on: { next: `s${(index + 1) % 1_000}` } }])) })
  expect(chart(many).transitions).toHaveLength(1_000)
  let config: object = {}
  for (let depth = 0; depth < 300; depth++) config = { initial: 'in', states: { in: config } }
  expect(allOf(chart(setup({}).createMachine(config)).root)).toHaveLength(301)
})
