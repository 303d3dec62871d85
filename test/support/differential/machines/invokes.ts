import fc from 'fast-check'
import { assign, cancel, forwardTo, fromCallback, fromEventObservable, fromObservable, fromPromise, fromTransition, raise, sendParent, sendTo, setup } from 'xstate'
import type { EventObject } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent, Trail } from '../subject.ts'

interface Context extends Trail {
  readonly n: number
}
const empty: Context = { trail: [], n: 0 }
const types = {} as { context: Context; events: TestEvent; tags: string }
const say = (params: string) => ({ type: 'note', params }) as const
const textOf = (value: unknown): string => (value instanceof Error ? `${value.name}: ${value.message}` : (JSON.stringify(value) ?? 'nothing'))
/** Notes output or error of a done or error event. */
const sayResult = (prefix: string) => ({ type: 'note', params: ({ event }: { event: EventObject }) => `${prefix} ${textOf((event as { output?: unknown }).output ?? (event as { error?: unknown }).error)}` }) as const

/** Takes as many microtasks as it is told to, then settles by its input. */
const settle = fromPromise(async ({ input }: { input: { readonly n: number; readonly turns: number } }) => {
  for (let turn = 0; turn < input.turns; turn++) await Promise.resolve()
  if (input.n % 4 === 3) throw new RangeError(`no ${input.n}`)
  if (input.n % 4 === 2) throw { code: input.n }
  return { doubled: input.n * 2, list: [input.n] }
})
const never = fromPromise(() => new Promise<never>(() => undefined))

const promises = setup({ types, actors: { settle }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'promises',
  context: empty,
  initial: 'idle',
  states: {
    idle: { on: { GO: { target: 'busy', actions: assign({ n: ({ event }) => event.n ?? 0 }) } } },
    busy: {
      tags: 'busy',
      invoke: {
        id: 'work',
        src: 'settle',
        input: ({ context }) => ({ n: context.n, turns: 3 }),
        onDone: [{ guard: ({ event }) => event.output.doubled > 4, target: 'idle', actions: sayResult('big') }, { target: 'rest', actions: sayResult('small') }],
        onError: { target: 'failed', actions: sayResult('error') },
      },
    },
    rest: { after: { 30: 'idle' }, on: { GO: 'busy' } },
    failed: { on: { GO: 'idle' } },
  },
})

const together = setup({ types: { ...types, context: {} as { readonly left: unknown; readonly right: unknown; readonly rounds: number } }, actors: { settle } }).createMachine({
  id: 'together',
  context: { left: null, right: null, rounds: 0 },
  initial: 'idle',
  states: {
    idle: { on: { GO: 'busy' } },
    busy: {
      type: 'parallel',
      states: {
        left: {
          initial: 'asking',
          states: {
            asking: { invoke: { id: 'left', src: 'settle', input: ({ context }) => ({ n: context.rounds, turns: 1 }), onDone: { target: 'told', actions: assign({ left: ({ event }) => event.output }) }, onError: { target: 'told', actions: assign({ left: ({ event }) => textOf(event.error) }) } } },
            told: { type: 'final' },
          },
        },
        right: {
          initial: 'asking',
          states: {
            asking: { invoke: [{ id: 'right', src: 'settle', input: { n: 5, turns: 6 }, onDone: { target: 'told', actions: assign({ right: ({ event }) => event.output }) } }, { id: 'idler', src: 'settle', input: { n: 1, turns: 0 } }] },
            told: { type: 'final' },
          },
        },
      },
      onDone: { target: 'idle', actions: assign({ rounds: ({ context }) => context.rounds + 1 }) },
      on: { STOP: 'idle' },
    },
  },
})

/** A promise that never settles runs again after each crash; the timer goes on from where it was. */
const timeout = setup({ types, actors: { never }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'timeout',
  context: empty,
  initial: 'asking',
  states: {
    asking: { invoke: { id: 'ask', src: 'never', onDone: 'answered' }, after: { 120: { target: 'late', actions: say('late') } }, on: { CANCEL: 'idle', AGAIN: { target: 'asking', reenter: true } } },
    answered: {},
    late: { on: { AGAIN: 'asking' } },
    idle: { on: { AGAIN: 'asking' } },
  },
})

/** An error nobody named is swallowed by a wildcard. */
const swallowing = setup({ types, actors: { settle }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'swallowing',
  context: empty,
  invoke: { id: 'first', src: 'settle', input: { n: 3, turns: 2 } },
  initial: 'off',
  states: { off: {}, on: { invoke: { id: 'second', src: 'settle', input: ({ context }) => ({ n: context.n, turns: 1 }), onDone: { actions: sayResult('second') } } } },
  on: { NEXT: { target: '.on', actions: assign({ n: ({ context }) => context.n + 1 }) }, '*': { actions: { type: 'note', params: ({ event }) => `any ${event.type}` } } },
})

/** Stateless: answers what it is told, so nothing of it can be lost. */
const echo = fromCallback<TestEvent, { readonly add: number }>(({ sendBack, receive, input }) => {
  receive(event => sendBack({ type: event.type === 'ASK' ? 'ANSWER' : 'ECHO', n: (event.n ?? 0) + input.add }))
  return () => undefined
})

const callback = setup({ types, actors: { echo }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'callback',
  context: empty,
  initial: 'open',
  states: {
    open: { invoke: { id: 'echo', src: 'echo', input: ({ context }) => ({ add: context.n }) }, on: { ASK: { actions: [sendTo('echo', ({ event }) => event)] }, TELL: { actions: forwardTo('echo') }, CLOSE: 'closed', AGAIN: { target: 'open', reenter: true } } },
    closed: { on: { OPEN: 'open', '*': { actions: say('deaf') } } },
  },
  on: { ANSWER: { actions: [assign({ n: ({ event }) => event.n ?? 0 }), { type: 'note', params: ({ event }) => `answer ${event.n}` }] }, ECHO: { actions: { type: 'note', params: ({ event }) => `echo ${event.n}` } } },
})

const brittle = fromCallback<TestEvent, { readonly n: number }>(({ sendBack, receive, input }) => {
  if (input.n === 2) throw new Error('refuses to start')
  receive(event => {
    if (event.n === 3) throw new RangeError('cannot hear 3')
    sendBack({ type: 'HEARD', n: event.n ?? 0 })
  })
})
const torn = fromObservable(({ input }: { input: { readonly n: number } }) => {
  if (input.n === 1) throw new Error('no source')
  return cold([{ from: input.n }], 'open')
})

const failing = setup({ types, actors: { brittle, torn }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'failing',
  context: empty,
  initial: 'on',
  states: {
    on: {
      invoke: [
        { id: 'brittle', src: 'brittle', input: ({ context }) => ({ n: context.n }), onError: { target: 'broken', actions: sayResult('callback') } },
        { id: 'torn', src: 'torn', input: ({ context }) => ({ n: context.n }), onError: { actions: sayResult('observable') } },
      ],
      on: { TELL: { actions: forwardTo('brittle') } },
    },
    broken: {},
  },
  on: { HEARD: { actions: { type: 'note', params: ({ event }) => `heard ${event.n}` } }, START: { target: '.on', reenter: true, actions: assign({ n: ({ event }) => event.n ?? 0 }) } },
})

interface Observer<T> {
  next?: (value: T) => void
  error?: (error: unknown) => void
  complete?: () => void
}
/** Says its values at once; then stays open, completes or fails. */
const cold = <T>(values: readonly T[], end: 'open' | 'complete' | 'fail') => ({
  subscribe: (observer: unknown) => {
    const { next, error, complete } = observer as Observer<T>
    for (const value of values) next?.(value)
    if (end === 'complete') complete?.()
    if (end === 'fail') error?.(new Error('the source broke'))
    return { unsubscribe: () => undefined }
  },
})

const ends = ['open', 'complete', 'fail'] as const
const feed = fromObservable(({ input }: { input: { readonly n: number } }) => cold([{ at: input.n }, { at: input.n + 1 }], ends[input.n % 3] ?? 'open'))

const observable = setup({ types: { ...types, context: {} as { readonly n: number; readonly seen: unknown; readonly ended: string } }, actors: { feed } }).createMachine({
  id: 'observable',
  context: { n: 0, seen: null, ended: '' },
  initial: 'reading',
  states: {
    reading: {
      invoke: {
        id: 'feed',
        src: 'feed',
        input: ({ context }) => ({ n: context.n }),
        onSnapshot: { actions: assign({ seen: ({ event, context }) => (event.snapshot.context === undefined ? context.seen : event.snapshot.context) }) },
        onDone: { target: 'idle', actions: assign({ ended: 'done' }) },
        onError: { target: 'idle', actions: assign({ ended: ({ event }) => textOf(event.error) }) },
      },
      on: { STOP: 'idle' },
    },
    idle: { on: { READ: { target: 'reading', actions: assign({ n: ({ event }) => event.n ?? 0, seen: null, ended: '' }) } } },
  },
})

const bell = fromEventObservable(({ input }: { input: { readonly n: number } }) => cold([{ type: 'RING', n: input.n }], input.n % 2 === 0 ? 'open' : 'complete'))

const eventObservable = setup({ types, actors: { bell }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'bells',
  context: empty,
  initial: 'waiting',
  states: {
    waiting: { invoke: { id: 'bell', src: 'bell', input: ({ context }) => ({ n: context.n }), onDone: { actions: say('bell done') } }, on: { RING: 'rung' } },
    rung: { entry: { type: 'note', params: ({ event }) => `rung ${event.n ?? 'by done'}` }, on: { NEXT: { target: 'waiting', actions: assign({ n: ({ context }) => context.n + 1 }) } } },
  },
})

const tally = fromTransition((state: { readonly sum: number; readonly log: readonly number[] }, event: TestEvent) => (event.type === 'ADD' ? { sum: state.sum + (event.n ?? 0), log: [...state.log, event.n ?? 0] } : state), ({ input }: { input: { readonly from: number } }) => ({ sum: input.from, log: [] }))

const transition = setup({ types: { ...types, context: {} as { readonly seen: number; readonly times: number } }, actors: { tally } }).createMachine({
  id: 'transition',
  context: { seen: 0, times: 0 },
  initial: 'on',
  states: {
    on: {
      invoke: { id: 'tally', src: 'tally', input: ({ context }) => ({ from: context.seen }), onSnapshot: { actions: assign({ seen: ({ event }) => event.snapshot.context.sum, times: ({ context }) => context.times + 1 }) } },
      on: { ADD: { actions: forwardTo('tally') }, LATER: { actions: sendTo('tally', ({ event }) => ({ type: 'ADD', n: event.n ?? 0 }), { delay: 25 }) }, AGAIN: { target: 'on', reenter: true }, STOP: 'off' },
    },
    off: { on: { START: 'on' } },
  },
})

const counter = setup({
  types: { ...types, input: {} as { readonly from: number; readonly to: number }, output: {} as { readonly total: number } },
  actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) },
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ trail: [], n: input.from }),
  initial: 'counting',
  states: {
    counting: {
      on: {
        UP: { actions: [assign({ n: ({ context, event }) => context.n + (event.n ?? 1) }), sendParent(({ context }) => ({ type: 'COUNTED', n: context.n }))] },
        FAIL: { actions: () => { throw new Error('counter broke') } },
      },
      after: { 200: { actions: [say('tick'), sendParent({ type: 'TICKED' })] } },
    },
    ended: { type: 'final' },
  },
  always: { guard: ({ context }) => context.n >= 9, target: '.ended' },
  output: ({ context }) => ({ total: context.n }),
})

const child = setup({ types, actors: { counter }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'parent',
  context: empty,
  initial: 'on',
  states: {
    on: {
      invoke: { id: 'counter', src: 'counter', input: ({ context }) => ({ from: context.n % 3, to: 9 }), onDone: { target: 'done', actions: sayResult('done') }, onError: { target: 'failed', actions: sayResult('failed') } },
      on: { UP: { actions: sendTo('counter', ({ event }) => ({ type: 'UP', n: event.n ?? 0 })) }, FAIL: { actions: forwardTo('counter') }, LATER: { actions: sendTo('counter', { type: 'UP', n: 2 }, { delay: 40, id: 'later' }) }, OFF: 'off' },
    },
    done: { on: { OFF: 'off' } },
    failed: { after: { 20: 'on' }, on: { OFF: 'off' } },
    off: { on: { ON: 'on' } },
  },
  on: { COUNTED: { actions: [assign({ n: ({ event }) => event.n ?? 0 }), { type: 'note', params: ({ event }) => `counted ${event.n}` }] }, TICKED: { actions: say('ticked') } },
})

/** Two of them never rest to the same instant, and none is poked twice in one: what of it a promise comes before is nobody's promise. */
const leaf = setup({ types: { ...types, input: {} as { readonly n: number } }, actors: { settle }, delays: { rest: ({ context }) => 60 + 5 * (context.n % 2) }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'leaf',
  context: ({ input }) => ({ trail: [], n: input.n }),
  initial: 'asking',
  states: {
    asking: { invoke: { id: 'ask', src: 'settle', input: ({ context }) => ({ n: context.n, turns: 1 }), onDone: { target: 'resting', actions: sayResult('asked') }, onError: { target: 'resting', actions: sayResult('refused') } } },
    resting: { tags: 'resting', after: { rest: { target: 'ended' } }, on: { POKE: { target: 'asking', actions: [assign({ n: ({ context }) => context.n + 1 }), sendParent({ type: 'POKED' })] } } },
    ended: { type: 'final', output: ({ context }) => ({ leaf: context.n }) },
  },
  output: ({ event }) => (event as unknown as { readonly output: unknown }).output,
})

const middle = setup({ types: { ...types, input: {} as { readonly n: number } }, actors: { leaf }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'middle',
  context: ({ input }) => ({ trail: [], n: input.n }),
  invoke: [{ id: 'leaf/a~1', src: 'leaf', input: ({ context }) => ({ n: context.n }), onDone: { actions: [sayResult('a'), sendParent({ type: 'A_ENDED' })] } }, { id: 'b', src: 'leaf', input: ({ context }) => ({ n: context.n + 1 }), onDone: { actions: sayResult('b') } }],
  on: { POKE: { actions: [sendTo('leaf/a~1', { type: 'POKE' }), cancel('poke'), sendTo('b', { type: 'POKE' }, { delay: 10, id: 'poke' })] }, POKED: { actions: [say('poked'), sendParent(({ event }) => event)] } },
})

const family = setup({ types, actors: { middle }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'family',
  context: empty,
  initial: 'on',
  states: {
    on: { invoke: { id: 'middle', src: 'middle', input: ({ context }) => ({ n: context.n }) }, on: { POKE: { actions: sendTo('middle', { type: 'POKE' }) }, AGAIN: { target: 'on', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) }, OFF: 'off' } },
    off: { on: { AGAIN: 'on' } },
  },
  on: { POKED: { actions: say('poked') }, A_ENDED: { actions: say('a ended') } },
})

/** The child tells its parent to enter its state again while it is still at work itself: old and new child share an id. */
const asker = setup({ types: { ...types, input: {} as { readonly n: number } }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'asker',
  context: ({ input }) => ({ trail: [], n: input.n }),
  initial: 'waiting',
  states: {
    waiting: { after: { 50: { target: 'asked', actions: [say('after'), sendParent({ type: 'AFTER' })] } }, on: { ASK: { target: 'asked', actions: sendParent({ type: 'RENEW' }) } } },
    asked: { after: { 35: { actions: sendParent({ type: 'STALE' }) } } },
  },
})

const renewing = setup({ types, actors: { asker }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'renewing',
  context: empty,
  initial: 'on',
  states: {
    on: {
      invoke: { id: 'asker', src: 'asker', input: ({ context }) => ({ n: context.n }) },
      on: { ASK: { actions: forwardTo('asker') }, RENEW: { target: 'on', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) }, AFTER: { target: 'on', reenter: true, actions: say('after') } },
    },
  },
  on: { STALE: { actions: say('stale') }, RAISE: { actions: raise({ type: 'ASK' }, { delay: 35 }) } },
})

export const invokeSubjects: readonly Subject[] = [
  { name: 'promises', machine: promises, events: numbered(5, 'GO'), features: ['invoke: promise', 'invoke: promise that rejects', 'invoke: onDone', 'invoke: onError', 'invoke: input', 'transition: several candidates'], racy: true },
  { name: 'promises together', machine: together, events: oneOf('GO', 'STOP'), features: ['invoke: promise', 'invoke: several at once', 'parallel: onDone of all regions'], racy: true },
  { name: 'promise that never settles', machine: timeout, events: oneOf('CANCEL', 'AGAIN'), features: ['invoke: promise that never settles', 'after: static delay', 'reenter'], racy: true },
  { name: 'errors in the wildcard', machine: swallowing, events: oneOf('NEXT', 'ELSE'), features: ['error caught by wildcard', 'invoke: on the root', 'wildcard events', 'invoke: promise that rejects'], racy: true },
  { name: 'callback', machine: callback, events: fc.oneof(numbered(5, 'ASK', 'TELL'), oneOf('CLOSE', 'OPEN', 'AGAIN')), features: ['invoke: callback', 'forwardTo', 'sendTo'], live: true },
  { name: 'observable', machine: observable, events: fc.oneof(numbered(5, 'READ'), oneOf('STOP')), features: ['invoke: observable', 'invoke: onSnapshot', 'invoke: onError'], live: true },
  { name: 'event observable', machine: eventObservable, events: oneOf('NEXT'), features: ['invoke: event observable', 'invoke: onDone'], live: true },
  { name: 'callback and observable that throw', machine: failing, events: numbered(3, 'TELL', 'START'), features: ['invoke: callback', 'invoke: observable', 'invoke: onError'], live: true },
  { name: 'transition', machine: transition, events: fc.oneof(numbered(5, 'ADD', 'LATER'), oneOf('AGAIN', 'STOP', 'START')), features: ['invoke: transition', 'invoke: onSnapshot', 'sendTo: delayed', 'forwardTo'] },
  { name: 'child machine', machine: child, events: fc.oneof(numbered(4, 'UP'), oneOf('FAIL', 'LATER', 'OFF', 'ON')), features: ['invoke: machine', 'invoke: onError', 'sendParent', 'sendTo', 'output'] },
  { name: 'family of three generations', machine: family, events: oneOf('POKE', 'AGAIN', 'OFF'), features: ['invoke: machine two deep', 'invoke: on the root', 'sendTo: delayed'], racy: true },
  { name: 'child that has itself renewed', machine: renewing, events: oneOf('ASK', 'RAISE'), features: ['invoke: machine', 'reenter', 'sendParent'] },
]
