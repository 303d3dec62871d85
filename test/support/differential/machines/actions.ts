import fc from 'fast-check'
import { assign, emit, enqueueActions, log, raise, setup } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent, Trail } from '../subject.ts'

interface Context extends Trail {
  readonly n: number
}
const empty: Context = { trail: [], n: 0 }
const types = {} as { context: Context; events: TestEvent; emitted: { type: string; n?: number } }

const emitter = setup({ types, actions: { shout: emit(({ context }, params: { readonly by: number }) => ({ type: 'shout', n: context.n * params.by })) } }).createMachine({
  id: 'emitter',
  context: empty,
  entry: emit({ type: 'born' }),
  initial: 'on',
  states: {
    on: { entry: emit({ type: 'on' }), exit: emit({ type: 'off' }), on: { ADD: { actions: [assign({ n: ({ context, event }) => context.n + (event.n ?? 0) }), { type: 'shout', params: { by: 2 } }, emit(({ event }) => ({ type: 'added', n: event.n ?? 0 }))] }, SWITCH: 'rest' }, after: { 80: { actions: emit({ type: 'tick' }) } } },
    rest: { always: { guard: ({ context }) => context.n > 6, target: 'on', actions: [emit({ type: 'full' }), assign({ n: 0 })] }, after: { 30: 'on' } },
  },
})

const enqueuer = setup({
  types,
  actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }), bump: enqueueActions(({ enqueue, context }, params: { readonly by: number }) => enqueue.assign({ n: context.n + params.by })) },
  guards: { big: ({ context }, min: number) => context.n > min },
}).createMachine({
  id: 'enqueuer',
  context: empty,
  on: {
    ADD: { actions: enqueueActions(({ enqueue, check, event }) => {
      enqueue({ type: 'bump', params: { by: event.n ?? 0 } })
      enqueue(({ context }) => context)
      if (check({ type: 'big', params: 5 })) {
        enqueue.raise({ type: 'big' })
        enqueue.emit({ type: 'big' })
      }
      enqueue.raise({ type: 'later' }, { delay: 20, id: 'later' })
      enqueue.assign({ trail: ({ context }) => [...context.trail, `sum ${context.n}`] })
    }) },
    STOP: { actions: enqueueActions(({ enqueue }) => enqueue.cancel('later')) },
    big: { actions: [{ type: 'note', params: 'big' }, { type: 'bump', params: { by: -6 } }] },
    later: { actions: [{ type: 'note', params: ({ context }) => `later ${context.n}` }] },
  },
})

const raiser = setup({ types, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'raiser',
  context: empty,
  initial: 'a',
  states: {
    a: { on: { GO: { target: 'b', actions: [raise({ type: 'one' }), raise(({ event }) => ({ type: 'two', n: event.n ?? 0 }))] } } },
    b: {
      entry: [raise({ type: 'three' }), { type: 'note', params: 'entry b' }],
      on: { one: { actions: { type: 'note', params: 'one' } }, two: [{ guard: ({ event }) => event.n === 2, target: 'c' }, { actions: { type: 'note', params: 'two' } }], three: { actions: { type: 'note', params: 'three' } }, GO: 'a' },
    },
    c: { entry: { type: 'note', params: 'c' }, on: { three: { target: 'a', actions: { type: 'note', params: 'three in c' } }, GO: 'a' } },
  },
})

const inputs = setup({ types: { ...types, input: {} as { readonly start: number; readonly names: readonly string[] }, context: {} as { readonly n: number; readonly names: readonly string[]; readonly nested: { readonly deep: { readonly value: number | null } } } } }).createMachine({
  id: 'inputs',
  context: ({ input }) => ({ n: input.start, names: input.names, nested: { deep: { value: null } } }),
  on: {
    SET: { actions: assign(({ context, event }) => ({ n: context.n + 1, nested: { deep: { value: event.n === 0 ? null : (event.n ?? 0) } } })) },
    NAME: { actions: assign({ names: ({ context, event }) => [...context.names, `n${event.n ?? ''}`] }) },
    SAME: { actions: assign(({ context }) => context) },
  },
})

const provided = setup({
  types: { ...types, context: {} as Context },
  actions: { step: assign({ n: ({ context }) => context.n + 1 }), quiet: () => undefined },
  guards: { allowed: () => false },
  delays: { pause: 1000 },
})
  .createMachine({ id: 'provided', context: empty, on: { GO: { guard: 'allowed', actions: ['step', 'quiet', raise({ type: 'BACK' }, { delay: 'pause' }), log(({ context }) => `n is ${context.n}`, 'provided')] }, BACK: { actions: assign({ n: ({ context }) => context.n - 1 }) } } })
  .provide({ actions: { step: assign({ n: ({ context }) => context.n + 5 }) }, guards: { allowed: ({ context }) => context.n < 20 }, delays: { pause: ({ context }) => 15 + context.n } })

const logger = setup({ types }).createMachine({
  id: 'logger',
  context: empty,
  entry: log('entry'),
  on: { GO: { actions: [log(({ event }) => event.type), log(), assign({ n: ({ context }) => context.n + 1 }), ({ context }) => void context.n] } },
})

export const actionSubjects: readonly Subject[] = [
  { name: 'emitter', machine: emitter, events: fc.oneof(numbered(4, 'ADD'), oneOf('SWITCH')), features: ['emit', 'always', 'actions: params'] },
  { name: 'enqueuer', machine: enqueuer, events: fc.oneof(numbered(4, 'ADD'), oneOf('STOP')), features: ['enqueueActions', 'emit', 'cancel', 'raise: delayed', 'guards: params'] },
  { name: 'raiser', machine: raiser, events: numbered(3, 'GO'), features: ['raise', 'actions: params', 'transition: several candidates'] },
  { name: 'inputs', machine: inputs, input: { start: 3, names: ['x'] }, events: numbered(3, 'SET', 'NAME', 'SAME'), features: ['input', 'context factory'] },
  { name: 'provided', machine: provided, events: oneOf('GO', 'BACK'), features: ['provide', 'after: named delay', 'raise: delayed'] },
  { name: 'logger', machine: logger, events: oneOf('GO'), features: ['log', 'actions: inline'] },
]
