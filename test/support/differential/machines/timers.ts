import fc from 'fast-check'
import { assign, cancel, raise, setup } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent, Trail } from '../subject.ts'

const traced = setup({
  types: {} as { context: Trail & { readonly n: number }; events: TestEvent; tags: string; meta: { readonly colour: string } },
  actions: {
    note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }),
    count: assign({ n: ({ context }) => context.n + 1 }),
  },
})
const note = (params: string) => ({ type: 'note', params }) as const
const empty = { trail: [], n: 0 }

const trafficLight = traced.createMachine({
  id: 'light',
  context: empty,
  initial: 'green',
  states: {
    green: { tags: ['go'], meta: { colour: '#0f0' }, entry: note('+green'), exit: note('-green'), after: { 100: 'yellow' } },
    yellow: { tags: ['go', 'slow'], entry: note('+yellow'), exit: note('-yellow'), after: { 30: { target: 'red', actions: 'count' } }, on: { HOLD: {} } },
    red: { entry: note('+red'), exit: note('-red'), after: { 60: '#light.green' } },
    off: { tags: 'dark', on: { ON: 'green' } },
  },
  on: { OFF: '.off' },
})

const namedDelays = setup({
  types: {} as { context: Trail & { readonly n: number }; events: TestEvent },
  delays: { short: 40, growing: ({ context }) => 20 * (context.n + 1) },
  actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) },
}).createMachine({
  id: 'named',
  context: empty,
  initial: 'waiting',
  states: {
    waiting: {
      after: { short: { target: 'working', actions: { type: 'note', params: 'short' } } },
      on: { AGAIN: { target: 'waiting', reenter: true } },
    },
    working: {
      entry: assign({ n: ({ context }) => context.n + 1 }),
      after: { growing: { target: 'waiting', actions: { type: 'note', params: ({ context }) => `growing ${context.n}` } } },
      on: { MORE: { actions: assign({ n: ({ context, event }) => context.n + (event.n ?? 1) }) } },
    },
  },
})

const backoff = setup({
  types: {} as { context: { readonly tries: number; readonly won: number; readonly level: number }; events: TestEvent },
  delays: { wait: ({ context, event }) => 10 * 2 ** context.tries + (event.n ?? 0) },
  guards: { tired: ({ context }, { max }: { max: number }) => context.tries >= max, lucky: ({ context }) => context.level > 2 },
}).createMachine({
  id: 'backoff',
  context: { tries: 0, won: 0, level: 0 },
  initial: 'idle',
  states: {
    idle: { on: { GO: 'trying' } },
    trying: {
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      after: {
        wait: [
          { guard: { type: 'tired', params: { max: 4 } }, target: 'givenUp' },
          { guard: 'lucky', target: 'idle', actions: assign({ won: ({ context }) => context.won + 1, tries: 0, level: 0 }) },
          { target: 'trying', reenter: true },
        ],
        15: { actions: assign({ level: ({ context }) => context.level + 1 }) },
      },
      on: { LEVEL: { actions: assign({ level: ({ context, event }) => context.level + (event.n ?? 0) }) }, GO: { target: 'trying', reenter: true } },
    },
    givenUp: { after: { 0: { target: 'idle', actions: assign({ tries: 0 }) } } },
  },
})

const debounce = traced.createMachine({
  id: 'debounce',
  context: empty,
  on: {
    TYPE: { actions: ['count', cancel('quiet'), raise({ type: 'quiet' }, { id: 'quiet', delay: 50 })] },
    PING: { actions: raise({ type: 'pong' }, { delay: ({ event }) => event.n ?? 5 }) },
    DROP: { actions: cancel('quiet') },
    DROP_BY: { actions: cancel(({ event }) => (event.n === 0 ? 'quiet' : 'nothing')) },
    quiet: { actions: [note('quiet'), raise({ type: 'chained' })] },
    chained: { actions: note('chained') },
    pong: { actions: note('pong') },
  },
})

const sameIdTwice = traced.createMachine({
  id: 'twice',
  context: empty,
  on: {
    SCHEDULE: { actions: raise(({ event }) => ({ type: 'fired', n: event.n ?? 0 }), { id: 'one', delay: ({ event }) => 10 + (event.n ?? 0) }) },
    CANCEL: { actions: cancel('one') },
    fired: { actions: ['count', { type: 'note', params: ({ event }) => `fired ${event.n}` }] },
  },
})

const sameInstant = traced.createMachine({
  id: 'instant',
  context: empty,
  initial: 'a',
  states: {
    a: {
      entry: [raise({ type: 'x' }, { delay: 20 }), raise({ type: 'y' }, { delay: 20, id: 'y' }), raise({ type: 'z' }, { delay: 10 })],
      after: { 20: { target: 'b', actions: note('after') } },
      on: { GO: 'b' },
    },
    b: { after: { 0: { target: 'c', actions: note('zero') } }, on: { GO: 'a' } },
    c: { entry: raise({ type: 'now' }, { delay: 0 }), on: { now: { actions: [note('now'), 'count'] }, GO: 'a' }, after: { 20: 'a' } },
  },
  on: { x: { actions: note('x') }, y: { actions: note('y') }, z: { actions: note('z') } },
})

/** Timers far apart and long ones: absolute due times must survive any number of restarts. */
const longWaits = traced.createMachine({
  id: 'long',
  context: empty,
  type: 'parallel',
  states: {
    day: { initial: 'on', states: { on: { after: { 700: { target: 'off', actions: note('off') } } }, off: { after: { 300: { target: 'on', actions: note('on') } } } } },
    deadline: { initial: 'open', states: { open: { after: { 2500: { target: 'late', actions: note('late') } }, on: { DONE: 'met' } }, late: { tags: 'late' }, met: {} } },
    beat: { initial: 'beating', states: { beating: { after: { 90: { target: 'beating', reenter: true, actions: 'count' } } } } },
  },
})

export const timerSubjects: readonly Subject[] = [
  { name: 'traffic light', machine: trafficLight, events: oneOf('OFF', 'ON', 'HOLD', 'UNKNOWN'), features: ['after: static delay', 'entry and exit order', 'tags', 'meta', 'actions: params', 'transition: by state id'] },
  { name: 'named delays', machine: namedDelays, events: fc.oneof(oneOf('AGAIN'), numbered(3, 'MORE')), features: ['after: named delay', 'after: delay by function', 'reenter', 'actions: dynamic params'] },
  { name: 'backoff', machine: backoff, events: numbered(3, 'GO', 'LEVEL'), features: ['after: delay by function', 'after: several candidates with guards', 'after: delay 0', 'guards: params'], racy: true },
  { name: 'debounce', machine: debounce, events: fc.oneof(oneOf('TYPE', 'DROP'), numbered(30, 'PING', 'DROP_BY')), features: ['raise: delayed', 'cancel', 'raise'], racy: true },
  { name: 'one send id used twice', machine: sameIdTwice, events: fc.oneof(numbered(40, 'SCHEDULE'), oneOf('CANCEL')), features: ['raise: delayed', 'raise: same id twice', 'cancel'] },
  { name: 'timers of one instant', machine: sameInstant, events: oneOf('GO'), features: ['raise: delayed', 'after: delay 0'], racy: true },
  { name: 'long waits', machine: longWaits, events: oneOf('DONE', 'NOTHING'), features: ['after: static delay', 'parallel', 'tags'] },
]
