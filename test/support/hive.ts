import { remote } from 'troupe'
import { assign, enqueueActions, sendParent, setup, stopChild } from 'xstate'
import type { DoneActorEvent } from 'xstate'

/** What a hive has heard of a bee: all it was told to say, in its order, then that it is over. */
export interface Heard {
  readonly bee: number
  readonly said: string
}

interface BeeInput {
  readonly n: number
  readonly flightMs: number
}

/** Hears A and B as it is born, says each, flies, says C and is over. */
export const bee = setup({
  types: { context: {} as BeeInput, input: {} as BeeInput, events: {} as { readonly type: 'SAY'; readonly what: string }, output: {} as number },
  delays: { flight: ({ context }) => context.flightMs },
  actions: { say: sendParent(({ context }, { what }: { readonly what: string }) => ({ type: 'HEAR', bee: context.n, said: what })) },
}).createMachine({
  context: ({ input }) => input,
  initial: 'out',
  on: { SAY: { actions: { type: 'say', params: ({ event }) => ({ what: event.what }) } } },
  states: { out: { after: { flight: 'home' }, exit: { type: 'say', params: { what: 'C' } } }, home: { type: 'final' } },
  output: ({ context }) => context.n,
})

export interface HiveInput {
  readonly bees: number
  /** The n-th bee flies `n % spanMs` milliseconds longer. */
  readonly flightMs: number
  readonly spanMs: number
}

interface HiveContext extends HiveInput {
  readonly heard: readonly Heard[]
}

/** A big run: spawns its bees over all partitions, and is over when all have come home. */
export const hive = setup({
  types: { context: {} as HiveContext, input: {} as HiveInput, events: {} as ({ readonly type: 'HEAR' } & Heard) | DoneActorEvent<number>, output: {} as readonly Heard[] },
  actors: { bee: remote<typeof bee>('bee', { spread: true }) },
  actions: {
    spawn: enqueueActions(({ context: { bees, flightMs, spanMs }, enqueue }) => {
      for (let n = 0; n < bees; n++) {
        enqueue.spawnChild('bee', { id: `bee-${n}`, input: { n, flightMs: flightMs + (n % spanMs) } })
        for (const what of ['A', 'B']) enqueue.sendTo(`bee-${n}`, { type: 'SAY', what })
      }
    }),
    hear: assign({ heard: ({ context }, heard: Heard) => [...context.heard, heard] }),
  },
}).createMachine({
  context: ({ input }) => ({ ...input, heard: [] }),
  entry: 'spawn',
  initial: 'buzzing',
  on: {
    HEAR: { actions: { type: 'hear', params: ({ event: { bee, said } }) => ({ bee, said }) } },
    'xstate.done.actor.*': { actions: [{ type: 'hear', params: ({ event }) => ({ bee: event.output, said: 'over' }) }, stopChild(({ event }) => event.actorId)] },
  },
  states: {
    buzzing: { always: { guard: ({ context: { heard, bees } }) => heard.filter(({ said }) => said === 'over').length === bees, target: 'over' } },
    over: { type: 'final' },
  },
  output: ({ context }) => context.heard,
})

/** What a hive must have heard in the end: each thing once, in order of each bee. */
export const heardOf = (heard: readonly Heard[]): ReadonlyMap<number, string> => {
  const words = new Map<number, string>()
  for (const { bee: n, said } of heard) words.set(n, `${words.get(n) ?? ''} ${said}`.trim())
  return words
}

export const allHeard = (bees: number): ReadonlyMap<number, string> => new Map(Array.from({ length: bees }, (_, n) => [n, 'A B C over'] as const))
