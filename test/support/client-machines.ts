import { remote, task } from 'troupe'
import { agent, scriptedModel, tool } from 'troupe/agents'
import { approval } from 'troupe/machines'
import { assign, raise, setup } from 'xstate'
import { z } from 'zod'

export const HOUR = 3_600_000

/** Waits for money, charges it, and can be shipped once it is ready. */
export const order = setup({
  types: { context: {} as { readonly n: number }, events: {} as { type: 'PAY'; cents: number } | { type: 'SHIP' } | { type: 'BREAK' } | { type: 'FIX' }, tags: {} as 'open', input: {} as { readonly n?: number } | undefined },
  schemas: { events: { PAY: z.object({ type: z.literal('PAY'), cents: z.number() }) } },
  actors: { charge: task<string, number>({ run: ({ input }) => `charged ${input}`, retry: 1 }) },
  guards: { isEnough: ({ event }) => event.type === 'PAY' && event.cents >= 100 },
}).createMachine({
  id: 'order',
  context: ({ input }) => ({ n: input?.n ?? 0 }),
  initial: 'waiting',
  on: {
    BREAK: {
      actions: () => {
        throw new Error('broken')
      },
    },
    FIX: { actions: assign({ n: -1 }) },
  },
  states: {
    waiting: { tags: 'open', on: { PAY: { guard: 'isEnough', target: 'charging', actions: assign({ n: ({ context }) => context.n + 1 }) } }, after: { [HOUR]: 'expired' } },
    charging: { invoke: { id: 'charge', src: 'charge', input: ({ context }) => context.n, onDone: 'ready' } },
    ready: { on: { SHIP: 'gone' } },
    gone: { type: 'final' },
    expired: { type: 'final' },
  },
  output: ({ context }) => ({ n: context.n }),
})

/** Keeps what JSON does not hold. */
export const odd = setup({ types: { context: {} as { readonly vector: Float32Array; readonly error: Error } } }).createMachine({
  context: { vector: new Float32Array([1, 2]), error: new TypeError('odd') },
  initial: 'on',
  states: { on: {} },
})

/** Has a gate inside itself, two levels down, and goes on as it is decided. */
const committee = setup({ types: { output: {} as string }, actors: { approval } }).createMachine({
  context: { verdict: '' },
  initial: 'asking',
  states: {
    asking: {
      invoke: {
        id: 'gate', src: 'approval', input: { subject: { title: 'Buy a lamp', cents: 9_900 }, levels: [{ approvers: ['ann', 'ben'], quorum: 2, timeoutMs: HOUR }] },
        onDone: { target: 'over', actions: assign({ verdict: ({ event }) => event.output.status }) },
      },
    },
    over: { type: 'final' },
  },
  output: ({ context }) => context.verdict,
})
export const board = setup({ actors: { committee } }).createMachine({
  context: { verdict: '' },
  initial: 'sitting',
  states: {
    sitting: { invoke: { id: 'committee', src: 'committee', onDone: { target: 'done', actions: assign({ verdict: ({ event }) => event.output as string }) } } },
    done: { type: 'final' },
  },
})

const pay = tool({ name: 'pay', description: 'Pays.', input: z.object({ cents: z.number() }), needsApproval: true, approvers: ['ann'], run: ({ cents }) => `paid ${cents}` })
const slow = tool({ name: 'slow', description: 'Never ends.', input: z.object({}), run: () => new Promise<never>(() => undefined) })
export const clerk = agent({ name: 'clerk', instructions: 'Pay.', tools: [pay], model: scriptedModel([{ toolCalls: [{ tool: 'pay', input: { cents: 500 }, id: 'c1' }] }, 'It is paid.']) })
/** Has one call that waits for a person while another one runs. */
export const busy = agent({ name: 'busy', instructions: 'Pay.', tools: [pay, slow], model: scriptedModel([{ toolCalls: [{ tool: 'pay', input: { cents: 7 }, id: 'c1' }, { tool: 'slow', input: {}, id: 'c2' }] }, 'Done.']) })
/** An agent inside a machine. */
export const desk = setup({ actors: { clerk } }).createMachine({ initial: 'working', states: { working: { invoke: { id: 'clerk', src: 'clerk', input: { task: 'pay' }, onDone: 'done' } }, done: { type: 'final' } } })

/** A machine of a user that waits for people, and answers nothing. */
export const door = setup({ types: { context: {} as { readonly rev: number }, events: {} as { type: 'approval.decide'; approve: boolean; door: string } | { type: 'PAINT' } } }).createMachine({
  meta: { approvals: (context: { readonly rev: number }) => [{ id: 'main', title: 'Open the door', subject: 'door', revision: String(context.rev), approvers: [], decision: { door: 'main' } }] },
  context: { rev: 1 },
  initial: 'shut',
  states: {
    shut: { tags: 'approval', on: { 'approval.decide': { guard: ({ event }) => event.approve && event.door === 'main', target: 'open' }, PAINT: { actions: assign({ rev: ({ context }) => context.rev + 1 }) } } },
    open: {},
  },
})

/** Begins a durable child, and beeps on its own. */
export const parent = setup({ actors: { order: remote<typeof order>('order') } }).createMachine({
  initial: 'on',
  entry: raise({ type: 'BEEP' }, { id: 'beep', delay: HOUR }),
  states: { on: { invoke: { id: 'child', src: 'order', input: { n: 5 } } } },
})

export const clientMachines = { order, odd, board, clerk, busy, desk, door, parent, approval, calm: { machine: order, supervision: { strategy: 'resume' } } } as const
