import fc from 'fast-check'
import { assign, fromPromise, setup } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent } from '../subject.ts'

interface Message {
  readonly id: number
  readonly text: string
  readonly tags: readonly string[]
  readonly meta: { readonly read: boolean; readonly votes: readonly number[] }
}
interface Conversation {
  readonly messages: readonly Message[]
  readonly index: Readonly<Record<string, { readonly at: number; readonly by?: string | undefined }>>
  readonly matrix: readonly (readonly number[])[]
  readonly settings: { readonly theme: string; readonly nested: { readonly levels: readonly { readonly name: string; readonly on: boolean }[] } }
  readonly next: number
}

const message = (id: number): Message => ({ id, text: `message ${id} ${'x'.repeat(id % 7)}`, tags: id % 2 === 0 ? ['even'] : [], meta: { read: false, votes: [id] } })
const replace = <T>(list: readonly T[], index: number, change: (item: T) => T): readonly T[] => list.map((item, at) => (at === index ? change(item) : item))

const conversation = setup({ types: {} as { context: Conversation; events: TestEvent } }).createMachine({
  id: 'conversation',
  context: () => ({
    messages: Array.from({ length: 60 }, (_, id) => message(id)),
    index: Object.fromEntries(Array.from({ length: 40 }, (_, id) => [`k${id}`, { at: id }])),
    matrix: Array.from({ length: 8 }, (_, row) => Array.from({ length: 8 }, (_cell, column) => row * column)),
    settings: { theme: 'light', nested: { levels: [{ name: 'a', on: true }, { name: 'b', on: false }] } },
    next: 60,
  }),
  on: {
    APPEND: { actions: assign({ messages: ({ context }) => [...context.messages, message(context.next)], next: ({ context }) => context.next + 1 }) },
    APPEND_MANY: { actions: assign({ messages: ({ context, event }) => [...context.messages, ...Array.from({ length: event.n ?? 0 }, (_, at) => message(context.next + at))], next: ({ context, event }) => context.next + (event.n ?? 0) }) },
    PREPEND: { actions: assign({ messages: ({ context }) => [message(context.next), ...context.messages], next: ({ context }) => context.next + 1 }) },
    READ: { actions: assign({ messages: ({ context, event }) => replace(context.messages, event.n ?? 0, item => ({ ...item, meta: { ...item.meta, read: !item.meta.read } })) }) },
    VOTE: { actions: assign({ messages: ({ context, event }) => replace(context.messages, event.n ?? 0, item => ({ ...item, meta: { ...item.meta, votes: [...item.meta.votes, item.id] } })) }) },
    REMOVE: { actions: assign({ messages: ({ context, event }) => context.messages.filter((_, at) => at !== event.n) }) },
    TRIM: { actions: assign({ messages: ({ context }) => context.messages.slice(-5) }) },
    CLEAR: { actions: assign({ messages: [] }) },
    SORT: { actions: assign({ messages: ({ context }) => context.messages.toReversed() }) },
    SWAP: { actions: assign({ messages: ({ context, event }) => (context.messages.length > 3 ? context.messages.with(0, context.messages[event.n ?? 0] ?? message(0)) : context.messages) }) },
    INDEX: { actions: assign({ index: ({ context, event }) => ({ ...context.index, [`k${event.n}`]: { at: context.next, by: event.n === 0 ? undefined : 'me' } }) }) },
    UNINDEX: { actions: assign({ index: ({ context, event }) => Object.fromEntries(Object.entries(context.index).filter(([key]) => key !== `k${event.n}`)) }) },
    UNSET: { actions: assign({ index: ({ context, event }) => ({ ...context.index, [`k${event.n}`]: { at: 0, by: undefined } }) }) },
    CELL: { actions: assign({ matrix: ({ context, event }) => replace(context.matrix, (event.n ?? 0) % 8, row => replace(row, (event.n ?? 0) % 8, cell => cell - 1)) }) },
    ROW: { actions: assign({ matrix: ({ context, event }) => [...context.matrix.slice(0, event.n), [], ...context.matrix.slice(event.n)] }) },
    LEVEL: { actions: assign({ settings: ({ context, event }) => ({ ...context.settings, nested: { levels: replace(context.settings.nested.levels, (event.n ?? 0) % 2, level => ({ ...level, on: !level.on })) } }) }) },
    THEME: { actions: assign({ settings: ({ context }) => ({ ...context.settings, theme: context.settings.theme === 'light' ? 'dark' : 'light' }) }) },
    RESHAPE: { actions: assign({ settings: ({ context, event }) => ({ theme: ['a', 'b'][event.n ?? 0] ?? context.settings.theme, nested: { levels: [{ name: `l${event.n}`, on: true }, ...context.settings.nested.levels].slice(0, 3) } }) }) },
  },
})

const vectors = setup({
  types: {} as { context: { readonly vector: Float32Array; readonly bytes: Uint8Array | null; readonly error: Error | null; readonly known: readonly { readonly at: number; readonly error?: unknown }[] }; events: TestEvent },
  actors: { fail: fromPromise(async ({ input }: { input: number }): Promise<never> => { throw Object.assign(new TypeError(`bad ${input}`), { code: 'E_BAD' }) }) },
}).createMachine({
  id: 'vectors',
  context: { vector: new Float32Array([0.5, -1, 3]), bytes: null, error: null, known: [] },
  initial: 'idle',
  states: {
    idle: { on: { FAIL: 'failing' } },
    failing: { invoke: { id: 'fail', src: 'fail', input: ({ event }) => event.n ?? 0, onError: { target: 'idle', actions: assign({ error: ({ event }) => event.error as Error, known: ({ context, event }) => [...context.known, { at: context.known.length, error: event.error }] }) } } },
  },
  on: {
    EMBED: { actions: assign({ vector: ({ context, event }) => context.vector.map(value => value * 2 + (event.n ?? 0)) }) },
    BYTES: { actions: assign({ bytes: ({ event }) => new Uint8Array([1, 2, event.n ?? 0]) }) },
    FORGET: { actions: assign({ bytes: null, error: null }) },
  },
})

const contextEvents = ['APPEND_MANY', 'READ', 'VOTE', 'REMOVE', 'SWAP', 'INDEX', 'UNINDEX', 'UNSET', 'CELL', 'ROW', 'LEVEL', 'RESHAPE']

export const contextSubjects: readonly Subject[] = [
  { name: 'conversation', machine: conversation, events: fc.oneof(numbered(6, ...contextEvents), oneOf('APPEND', 'PREPEND', 'TRIM', 'CLEAR', 'SORT', 'THEME')), features: ['context: large, partly updated', 'context factory'] },
  { name: 'vectors and errors', machine: vectors, events: fc.oneof(numbered(4, 'EMBED', 'BYTES', 'FAIL'), oneOf('FORGET')), features: ['context: typed arrays', 'context: errors', 'invoke: onError'], racy: true },
]
