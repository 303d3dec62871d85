import { existsSync } from 'node:fs'
import { reply } from 'troupe'
import { assign, setup } from 'xstate'
import { bee, hive } from './hive.ts'

export interface Note {
  readonly client: string
  readonly n: number
}

export type LedgerEvent =
  | ({ readonly type: 'NOTE' } & Note)
  | { readonly type: 'COUNT' }
  /** Throws while there is a file of that name. */
  | { readonly type: 'CHECK'; readonly flag: string }
  /** Comes to the state tagged `there` by a timer. */
  | { readonly type: 'GO'; readonly delayMs: number }
  | { readonly type: 'BACK' }

/** What processes write into together. */
export const ledger = setup({
  types: { context: {} as { owner: string; notes: readonly Note[]; checks: number; delayMs: number }, events: {} as LedgerEvent, input: {} as { owner: string }, tags: {} as 'there' },
  delays: { delay: ({ context }) => context.delayMs },
}).createMachine({
  context: ({ input }) => ({ owner: input.owner, notes: [], checks: 0, delayMs: 0 }),
  on: {
    NOTE: { actions: assign(({ context, event: { client, n } }) => ({ notes: [...context.notes, { client, n }] })) },
    COUNT: { actions: reply(({ context }) => context.notes.length) },
    CHECK: {
      actions: assign(({ context, event }) => {
        if (existsSync(event.flag)) throw new Error('the flag is up')
        return { checks: context.checks + 1 }
      }),
    },
  },
  initial: 'here',
  states: {
    here: { on: { GO: { target: 'underway', actions: assign(({ event }) => ({ delayMs: event.delayMs })) } } },
    underway: { after: { delay: 'there' } },
    there: { tags: 'there', on: { BACK: 'here' } },
  },
})

export const machines = { ledger, hive, bee }
