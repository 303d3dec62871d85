import { and, fromPromise, not, setup } from 'xstate'
import { expect, test } from 'vitest'
import { statechart } from '../../src/index.ts'

const always = (): boolean => true

const draw = setup({
  types: { events: {} as { readonly type: 'go' | 'back' | 'again' | 'in' | 'a:b;c' } },
  actors: { work: fromPromise(async () => 1) },
  guards: { big: always, 'is "odd"': always },
  actions: { keep: () => undefined },
  delays: { patience: 100 },
})

const small = draw.createMachine({
  id: 'small',
  initial: 'state',
  on: { again: { actions: 'keep' } },
  states: {
    state: { on: { go: [{ guard: and(['big', not('is "odd"')]), target: 'working' }, { guard: () => true, target: 'over' }], 'a:b;c': { actions: 'keep' } } },
    working: { invoke: { src: 'work', onDone: 'over', onError: 'state' }, after: { 1000: 'over', patience: 'over' } },
    over: { type: 'final' },
  },
})

test('names, guards, delays, invokes, starts and ends are drawn; text is escaped; words of Mermaid are no ids', () => {
  expect(statechart(small)).toBe(`stateDiagram-v2
  [*] --> state_
  state "state" as state_
  state_ : a#58;b#59;c / keep
  state "working" as working
  working : invoke work
  state "over" as over
  over --> [*]
  state "any state" as _any
  _any : again / keep
  state_ --> working : go [and big, not is #34;odd#34;]
  state_ --> over : go [inline]
  working --> over : work done<br/>after 1000 ms<br/>after patience
  working --> state_ : work failed`)
})

const nested = draw.createMachine({
  id: 'nested',
  initial: 'one',
  on: { in: '.both.left.b', again: { target: '.both', reenter: true } },
  states: {
    one: {
      initial: 'x',
      on: { in: '.end', again: { target: 'one', reenter: true }, back: 'both' },
      onDone: 'both',
      states: { x: { on: { go: 'end', back: '#nested.one' } }, start: {}, end: { type: 'final' }, past: { type: 'history', history: 'deep' } },
    },
    both: {
      type: 'parallel',
      states: {
        left: { initial: 'a', states: { a: { on: { go: 'b', again: '#nested.both', back: '#nested.one.past' } }, b: { type: 'parallel', states: { p: {}, q: {} } } } },
        right: { initial: 'c', states: { c: { always: { guard: 'big', target: 'd' } }, d: { on: { '*': 'c' } } } },
      },
    },
  },
})

const lines = statechart(nested).split('\n').slice(1).map(line => line.trim())
const arrows = lines.flatMap(line => {
  const [, from, to, label] = /^(\S+) --> (\S+)(?: : (.*))?$/.exec(line) ?? []
  return from === undefined || to === undefined ? [] : [{ from, to, label }]
})

/** Composites around each state, by id, as the braces say. */
function nesting(): ReadonlyMap<string, readonly string[]> {
  const open: string[] = []
  const around = new Map<string, readonly string[]>()
  for (const line of lines) {
    const [, id, brace] = /^state ".+" as (\S+)( \{)?$/.exec(line) ?? []
    if (id !== undefined) {
      expect(around.has(id)).toBe(false)
      around.set(id, [...open])
      if (brace !== undefined) open.push(id)
    } else if (line === '}') open.pop()
  }
  expect(open).toEqual([])
  return around
}

test('every arrow joins drawn states, and none a composite with what is in it, which Mermaid cannot lay out', () => {
  const around = nesting()
  for (const { from, to } of arrows.filter(arrow => arrow.from !== '[*]' && arrow.to !== '[*]')) {
    expect([...around.keys()]).toEqual(expect.arrayContaining([from, to]))
    expect(around.get(to)).not.toContain(from)
    expect(around.get(from)).not.toContain(to)
  }
})

test('no state has the id that Mermaid gives to starts and ends', () => {
  for (const id of nesting().keys()) expect(id).not.toMatch(/^(?:root|one|both|both_left|both_right)_(?:start|end)$/)
})

test('what a composite does inside itself begins at any of its states; regions have a start each; history is a state', () => {
  expect(arrows).toEqual(expect.arrayContaining([
    { from: '[*]', to: 'both_left', label: undefined },
    { from: '[*]', to: 'both_right', label: undefined },
    { from: 'one_any', to: 'one_end_', label: 'in' },
    { from: 'one_any', to: 'one_x', label: 'again' },
    { from: 'one_x', to: 'one_x', label: 'back' },
    { from: '_any', to: 'both_left_b', label: 'in' },
    { from: 'one', to: 'both', label: 'back<br/>done' },
    { from: 'both_left_a', to: 'one_past', label: 'back' },
    { from: 'both_right_c', to: 'both_right_d', label: 'always [big]' },
    { from: 'both_right_d', to: 'both_right_c', label: 'any other event' },
  ]))
  expect(lines).toContain('state "H#42;" as one_past')
  expect(lines).toContain('both_left_a : again → both')
})
