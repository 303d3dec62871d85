import fc from 'fast-check'
import { and, assign, not, or, raise, setup, stateIn } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent, Trail } from '../subject.ts'

const traced = setup({
  types: {} as { context: Trail & { readonly n: number }; events: TestEvent; tags: string },
  actions: {
    note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }),
    count: assign({ n: ({ context, event }) => context.n + (event.n ?? 1) }),
    reset: assign({ n: 0 }),
  },
  guards: {
    above: ({ context }, { min }: { min: number }) => context.n > min,
    even: ({ context }) => context.n % 2 === 0,
    carries: ({ event }) => (event.n ?? 0) > 0,
  },
})
const note = (params: string) => ({ type: 'note', params }) as const
const empty = { trail: [], n: 0 }
const steps = (name: string) => ({ entry: note(`+${name}`), exit: note(`-${name}`) })

const chain = traced.createMachine({
  id: 'chain',
  context: empty,
  initial: 'collecting',
  states: {
    collecting: {
      on: { ADD: { actions: 'count' } },
      always: [
        { guard: { type: 'above', params: { min: 12 } }, target: 'full', actions: note('over') },
        { guard: and([{ type: 'above', params: { min: 5 } }, 'even']), target: 'half' },
      ],
    },
    half: { ...steps('half'), always: { target: 'settling', actions: 'count' } },
    settling: { ...steps('settling'), always: [{ guard: { type: 'above', params: { min: 9 } }, target: 'full' }, { target: 'collecting' }] },
    full: { ...steps('full'), on: { EMPTY: { target: 'collecting', actions: 'reset' } } },
  },
})

const editor = traced.createMachine({
  id: 'editor',
  context: empty,
  type: 'parallel',
  states: {
    bold: { initial: 'off', states: { off: { on: { BOLD: 'on' } }, on: { on: { BOLD: 'off' } } } },
    save: {
      initial: 'clean',
      states: {
        clean: { on: { ADD: { target: 'dirty', actions: 'count' }, BOLD: 'dirty' } },
        dirty: { tags: 'unsaved', on: { SAVE: { target: 'clean', guard: stateIn({ bold: 'on' }) }, FORCE: { target: 'clean', guard: not(stateIn('#locked')) } } },
      },
    },
    lock: { initial: 'open', states: { open: { on: { LOCK: 'locked' } }, locked: { id: 'locked', on: { LOCK: 'open' } } } },
  },
  on: { ADD: { actions: note('unheard add') } },
})

const checklist = traced.createMachine({
  id: 'checklist',
  context: empty,
  initial: 'running',
  states: {
    running: {
      type: 'parallel',
      states: {
        left: { initial: 'todo', states: { todo: { on: { LEFT: 'done', BOTH: 'done' } }, done: { type: 'final' } }, onDone: { actions: note('left done') } },
        right: { initial: 'todo', states: { todo: { on: { RIGHT: 'half', BOTH: 'done' } }, half: { on: { RIGHT: 'done' }, after: { 50: 'todo' } }, done: { type: 'final' } }, onDone: { actions: note('right done') } },
      },
      onDone: { target: 'finished', actions: [note('both done'), 'count'] },
    },
    finished: { on: { AGAIN: 'running' } },
  },
})

/** Entering one region again moves it behind the others in XState's list of active states. */
const regions = traced.createMachine({
  id: 'regions',
  context: empty,
  type: 'parallel',
  states: {
    a: { ...steps('a'), initial: 'one', states: { one: { ...steps('a1'), on: { TICK: { target: 'two', actions: note('a tick') } } }, two: { on: { TICK: 'one' } } }, on: { AGAIN_A: { target: 'a', reenter: true } } },
    b: { ...steps('b'), initial: 'one', states: { one: { ...steps('b1'), on: { TICK: { target: 'two', actions: note('b tick') } } }, two: { on: { TICK: 'one' } } }, on: { AGAIN_B: { target: 'b', reenter: true } } },
    c: { ...steps('c'), on: { TICK: { actions: note('c tick') }, AGAIN_C: { target: 'c', reenter: true } } },
  },
  on: { ALL: [{ target: ['.a.two', '.b.two'], actions: note('all') }], RESTART: { target: '#regions', reenter: true } },
})

/** One event makes eventless transitions possible in several regions at once. */
const eventless = traced.createMachine({
  id: 'eventless',
  context: empty,
  type: 'parallel',
  states: {
    a: { initial: 'one', states: { one: { on: { A: 'two' }, always: { guard: { type: 'above', params: { min: 3 } }, target: 'high', actions: note('a high') } }, two: { on: { A: 'one' }, always: { guard: { type: 'above', params: { min: 3 } }, target: 'high', actions: note('a2 high') } }, high: { on: { RESET: 'one' } } } },
    b: { initial: 'one', states: { one: { on: { B: 'two' }, always: { guard: { type: 'above', params: { min: 3 } }, target: 'high', actions: note('b high') } }, two: { on: { B: 'one' }, always: { guard: { type: 'above', params: { min: 3 } }, target: 'high', actions: note('b2 high') } }, high: { on: { RESET: 'one' } } } },
    n: { on: { ADD: { actions: 'count' }, RESET: { actions: 'reset' } } },
  },
})

const player = traced.createMachine({
  id: 'player',
  context: empty,
  initial: 'off',
  states: {
    off: { on: { POWER: 'on.remembered', FIRST: 'on' } },
    on: {
      initial: 'stopped',
      states: {
        stopped: { ...steps('stopped'), on: { PLAY: 'playing' } },
        playing: {
          ...steps('playing'),
          initial: 'slow',
          states: { slow: { ...steps('slow'), on: { FASTER: 'fast' } }, fast: { ...steps('fast'), on: { FASTER: 'slow' } } },
          on: { STOP: 'stopped' },
        },
        remembered: { type: 'history' },
        exactly: { type: 'history', history: 'deep', target: 'playing.fast' },
      },
      on: { POWER: '#player.off', SWAP: '#player.aside' },
    },
    aside: { on: { POWER: 'on.exactly', FIRST: 'on.remembered' }, after: { 80: { target: 'on.exactly', actions: note('back') } } },
  },
})

const deepParallel = traced.createMachine({
  id: 'deep',
  context: empty,
  initial: 'work',
  states: {
    work: {
      type: 'parallel',
      states: {
        x: { initial: 'x1', states: { x1: { on: { NEXT_X: 'x2' } }, x2: { initial: 'p', states: { p: { on: { NEXT_X: 'q' } }, q: { on: { NEXT_X: '#deep.work.x.x1' } } } } } },
        y: { initial: 'y1', states: { y1: { on: { NEXT_Y: 'y2' } }, y2: { on: { NEXT_Y: 'y1' } }, back: { type: 'history', target: 'y2' } } },
        all: { type: 'history', history: 'deep' },
      },
      on: { PAUSE: 'paused', BREAK: 'broken' },
    },
    paused: { on: { RESUME: 'work.all', NEXT_Y: 'work.y.back' } },
    broken: { on: { RESUME: 'work' } },
  },
})

const inside = traced.createMachine({
  id: 'inside',
  context: empty,
  initial: 'box',
  states: {
    box: {
      ...steps('box'),
      initial: 'a',
      states: { a: steps('a'), b: { ...steps('b'), initial: 'b1', states: { b1: {}, b2: {} } } },
      on: {
        INTERNAL: '.b',
        EXTERNAL: { target: '.b', reenter: true },
        SELF: { target: 'box' },
        SELF_AGAIN: { target: 'box', reenter: true },
        NOTHING: { actions: 'count' },
        DEEP: { target: '#inside.box.b.b2', actions: note('deep') },
      },
    },
  },
})

const manyTargets = traced.createMachine({
  id: 'many',
  context: empty,
  initial: 'idle',
  states: {
    idle: { on: { OPEN: { target: ['#many.pair.left.l2', '#many.pair.right.r3'] }, HALF: '#many.pair.right.r2' } },
    pair: {
      type: 'parallel',
      states: {
        left: { initial: { target: 'l1', actions: note('initial left') }, states: { l1: steps('l1'), l2: steps('l2') } },
        right: { initial: { target: 'r1', actions: ['count', note('initial right')] }, states: { r1: steps('r1'), r2: steps('r2'), r3: steps('r3') } },
      },
      on: { MOVE: { target: ['.left.l1', '.right.r1'] }, CLOSE: 'idle' },
    },
  },
})

const guards = traced.createMachine({
  id: 'guards',
  context: empty,
  initial: 'low',
  states: {
    low: {
      on: {
        ADD: [
          { guard: and(['carries', not('even'), { type: 'above', params: { min: 2 } }]), target: 'high', actions: ['count', note('and')] },
          { guard: or([{ type: 'above', params: { min: 6 } }, ({ event }) => event.n === 3]), target: 'high', actions: note('or') },
          { guard: ({ context, event }) => (event.n ?? 0) + context.n === 4, actions: [note('four'), 'count'] },
          { actions: 'count' },
        ],
      },
    },
    high: { on: { ADD: [{ guard: not(or(['even', and(['carries', 'even'])])), target: 'low', actions: 'reset' }, { actions: note('stays') }] } },
  },
})

const wildcards = traced.createMachine({
  id: 'wild',
  context: empty,
  initial: 'open',
  states: {
    open: {
      on: {
        'job.*': { actions: note('job.*') },
        'job.done': [{ guard: 'even', actions: [note('job.done'), 'count'] }],
        'job.done.*': { actions: note('job.done.*') },
        CLOSE: 'closed',
        '*': { actions: note('any') },
      },
    },
    closed: { on: { 'job.done': undefined, 'job.*': {}, OPEN: 'open' } },
  },
  on: { 'job.done': { actions: note('root done') }, '*': { actions: note('root any') } },
})

const finals = traced.createMachine({
  id: 'finals',
  context: empty,
  initial: 'one',
  states: {
    one: {
      initial: 'a',
      states: {
        a: { on: { NEXT: 'b', SKIP: 'skipped' } },
        b: { initial: 'b1', states: { b1: { on: { NEXT: 'b2' } }, b2: { type: 'final', output: ({ context }) => ({ n: context.n }) } }, onDone: { target: 'c', actions: [{ type: 'note', params: ({ event }) => `b ${JSON.stringify((event as { output?: unknown }).output)}` }, 'count'] } },
        c: { type: 'final', output: { by: 'c' } },
        skipped: { type: 'final' },
      },
      onDone: { target: 'two', actions: { type: 'note', params: ({ event }) => `one ${JSON.stringify((event as { output?: unknown }).output) ?? 'nothing'}` } },
    },
    two: { on: { NEXT: 'end', BACK: 'one' }, after: { 400: 'end' } },
    end: { type: 'final', output: ({ context }) => context.n },
  },
  output: ({ context, event }) => ({ trail: context.trail, last: (event as { output?: unknown }).output ?? null }),
})

const route = traced.createMachine({
  id: 'route',
  context: empty,
  initial: 'home',
  states: {
    home: { id: 'home', route: {} },
    shop: { id: 'shop', ...steps('shop'), route: { guard: 'even', actions: 'count' }, initial: 'list', states: { list: {}, item: { id: 'item', route: {} } } },
  },
  on: {
    GO_HOME: { actions: raise({ type: 'xstate.route', to: '#home' } as TestEvent) },
    GO_SHOP: { actions: raise({ type: 'xstate.route', to: '#shop' } as TestEvent) },
    GO_ITEM: { actions: [raise({ type: 'xstate.route', to: '#item' } as TestEvent), 'count'] },
  },
})

export const stateSubjects: readonly Subject[] = [
  { name: 'always chain', machine: chain, events: numbered(4, 'ADD', 'EMPTY'), features: ['always', 'always: guarded chain', 'guards: and', 'guards: params', 'entry and exit order'] },
  { name: 'parallel editor', machine: editor, events: oneOf('BOLD', 'ADD', 'SAVE', 'FORCE', 'LOCK'), features: ['parallel', 'parallel: one event in many regions', 'guards: stateIn', 'guards: not', 'tags'] },
  { name: 'parallel checklist', machine: checklist, events: oneOf('LEFT', 'RIGHT', 'BOTH', 'AGAIN'), features: ['parallel: onDone of all regions', 'onDone of a state', 'final state'] },
  { name: 'regions entered again', machine: regions, events: oneOf('TICK', 'AGAIN_A', 'AGAIN_B', 'AGAIN_C', 'ALL', 'RESTART'), features: ['parallel: one event in many regions', 'reenter', 'entry and exit order'] },
  { name: 'eventless in many regions', machine: eventless, events: fc.oneof(numbered(4, 'ADD'), oneOf('A', 'B', 'RESET')), features: ['always', 'parallel'] },
  { name: 'player with history', machine: player, events: oneOf('POWER', 'FIRST', 'PLAY', 'FASTER', 'STOP', 'SWAP'), features: ['history: shallow', 'history: deep', 'history: default target'] },
  { name: 'deep history of regions', machine: deepParallel, events: oneOf('NEXT_X', 'NEXT_Y', 'PAUSE', 'RESUME', 'BREAK'), features: ['history: deep', 'history: default target', 'parallel'] },
  { name: 'internal and external', machine: inside, events: oneOf('INTERNAL', 'EXTERNAL', 'SELF', 'SELF_AGAIN', 'NOTHING', 'DEEP'), features: ['transition: internal', 'transition: external', 'transition: targetless', 'reenter', 'entry and exit order'] },
  { name: 'several targets', machine: manyTargets, events: oneOf('OPEN', 'HALF', 'MOVE', 'CLOSE'), features: ['transition: several targets', 'initial transition with actions', 'transition: by state id'] },
  { name: 'guards', machine: guards, events: numbered(3, 'ADD'), features: ['guards: and', 'guards: or', 'guards: not', 'guards: inline', 'guards: params', 'transition: several candidates'] },
  { name: 'wildcards', machine: wildcards, events: oneOf('job.done', 'job.done.well', 'job.new', 'CLOSE', 'OPEN', 'else'), features: ['wildcard events', 'partial wildcard events', 'forbidden transition'] },
  { name: 'finals', machine: finals, events: oneOf('NEXT', 'SKIP', 'BACK'), features: ['final state', 'final state: output', 'output', 'onDone of a state'] },
  { name: 'routes', machine: route, events: oneOf('GO_HOME', 'GO_SHOP', 'GO_ITEM'), features: ['route', 'raise'] },
]
