import { task } from 'troupe'
import { assign, setup } from 'xstate'
import { z } from 'zod'

/** A parcel on its way: nested and parallel states, timers, tasks that fail at first, and a child in process. */
const carrier = setup({}).createMachine({
  id: 'carrier',
  initial: 'idle',
  states: { idle: { after: { 60_000: 'driving' } }, driving: { initial: 'city', states: { city: {}, country: {} } } },
})

const parcelMachine = setup({
  types: {
    context: {} as { readonly to: string; readonly weightKg: number; readonly notes: readonly string[]; readonly address: { readonly street: string; readonly city: string } | null },
    events: {} as { type: 'pack'; weightKg: number; fragile: boolean } | { type: 'address'; street: string; city: string } | { type: 'note'; text: string } | { type: 'send' } | { type: 'lost' } | { type: 'explode' },
    input: {} as { readonly to: string },
  },
  actors: {
    carrier,
    label: task<string, { readonly to: string }>({
      run: ({ input, attempt, progress }) => {
        progress({ printed: attempt })
        if (attempt < 2) throw new Error('the printer is out of paper', { cause: new Error('tray 2 is empty') })
        return `label for ${input.to}`
      },
      retry: { attempts: 5, baseMs: 300 },
    }),
  },
  guards: { isLight: ({ context }) => context.weightKg < 20, hasAddress: ({ context }) => context.address !== null },
  actions: {
    explode: () => {
      throw new Error('the parcel exploded', { cause: new TypeError('batteries do not like heat') })
    },
  },
}).createMachine({
  id: 'parcel',
  context: ({ input }) => ({ to: input.to, weightKg: 0, notes: [], address: null }),
  initial: 'open',
  on: { lost: '.lost', note: { actions: assign({ notes: ({ context, event }) => [...context.notes, event.text] }) } },
  states: {
    open: {
      description: 'Things can still be put in',
      on: { pack: { target: 'preparing', actions: assign({ weightKg: ({ event }) => event.weightKg }) }, explode: { actions: 'explode' } },
    },
    preparing: {
      type: 'parallel',
      tags: ['busy'],
      states: {
        labelling: {
          initial: 'printing',
          states: { printing: { invoke: { src: 'label', input: ({ context }) => ({ to: context.to }), onDone: 'printed', onError: 'failed' } }, printed: { type: 'final' }, failed: {} },
        },
        addressing: {
          initial: 'unknown',
          states: {
            unknown: { on: { address: { target: 'known', actions: assign({ address: ({ event }) => ({ street: event.street, city: event.city }) }) } }, after: { 600_000: 'guessed' } },
            known: { type: 'final' },
            guessed: { type: 'final' },
          },
        },
      },
      onDone: 'ready',
    },
    ready: { on: { send: [{ guard: 'isLight', target: 'travelling' }, { target: 'heavy' }] }, after: { 3_600_000: 'lost' } },
    heavy: { always: { guard: 'hasAddress', target: 'travelling' } },
    travelling: {
      invoke: { src: 'carrier', id: 'truck' },
      initial: 'leg',
      after: { 86_400_000: 'arrived' },
      states: { leg: { on: { send: 'leg' } } },
    },
    arrived: { type: 'final' },
    lost: { type: 'final' },
  },
})

export const parcel = {
  machine: parcelMachine,
  version: '2.1.0',
  events: {
    pack: z.object({ type: z.literal('pack'), weightKg: z.number().positive().max(200).describe('With its box'), fragile: z.boolean() }),
    address: z.object({ type: z.literal('address'), street: z.string().min(1), city: z.enum(['Bern', 'Lyon', 'Oslo']) }),
    note: z.object({
      type: z.literal('note'),
      text: z.string().min(3),
      author: z.string().nullable().optional(),
      tags: z.array(z.string().min(1)).max(3).optional(),
      about: z.union([z.object({ kind: z.literal('person'), name: z.string() }), z.object({ kind: z.literal('place'), floor: z.int() })]).optional(),
    }),
  },
}

/** Goes round and round as often as it is told. */
export const wheel = setup({ types: { context: {} as { readonly turns: number }, events: {} as { type: 'turn' } } }).createMachine({
  id: 'wheel',
  context: { turns: 0 },
  initial: 'up',
  states: {
    up: { on: { turn: { target: 'down', actions: assign({ turns: ({ context }) => context.turns + 1 }) } } },
    down: { on: { turn: { target: 'up', actions: assign({ turns: ({ context }) => context.turns + 1 }) } } },
  },
})
