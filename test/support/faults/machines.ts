import { actorAt, remote, reply, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { assign, cancel, enqueueActions, fromPromise, sendParent, sendTo, setup, spawnChild } from 'xstate'

/** The world outside of the runtime: what tasks do to it survives every crash. */
export interface Outside {
  /** A side effect, made by one attempt of a task. */
  effect(effect: Effect): void
  /** Resolves when the outside lets the task of that name go on. */
  gate(name: string): Promise<void>
}

export interface Effect {
  readonly key: string
  readonly attempt: number
  readonly task: string
}

/** What all machines under fault have: how many events they have sent to whom. Each event carries its number. */
interface Sender {
  readonly sent: Readonly<Record<string, number>>
}

const counted = ({ sent }: Sender, to: string) => ({ ...sent, [to]: (sent[to] ?? 0) + 1 })

interface Account extends Sender {
  readonly cents: number
}

type AccountEvent =
  | { type: 'TRANSFER'; op: string; to: string; cents: number }
  | { type: 'CREDIT'; op: string; cents: number; n: number }
  | { type: 'NOTE'; op: string }
  | { type: 'NOTIFY'; op: string; to: string; poison?: boolean }
  | { type: 'TALLY'; n: number }
  | { type: 'BALANCE' }

const account = setup({ types: { context: {} as Account, events: {} as AccountEvent, input: {} as { cents: number } } }).createMachine({
  context: ({ input }) => ({ cents: input.cents, sent: {} }),
  on: {
    TRANSFER: {
      actions: [
        assign(({ context, event }) => ({ cents: context.cents - event.cents, sent: counted(context, `account/${event.to}`) })),
        sendTo(
          ({ event }) => actorAt(`account/${event.to}`),
          ({ context, event: { op, to, cents } }) => ({ type: 'CREDIT', op, cents, n: context.sent[`account/${to}`] }),
        ),
      ],
    },
    CREDIT: { actions: assign(({ context, event }) => ({ cents: context.cents + event.cents })) },
    NOTIFY: {
      actions: [
        assign(({ context, event }) => ({ sent: counted(context, event.to) })),
        sendTo(
          ({ event }) => actorAt(event.to),
          ({ context, event: { op, to, poison } }) => ({ type: poison ? 'POISON' : 'WORK', op: `${op}>`, n: context.sent[to] }),
        ),
      ],
    },
    NOTE: {},
    TALLY: {},
    BALANCE: { actions: reply(({ context }) => context.cents) },
  },
})

interface Fragile {
  readonly worked: readonly string[]
  readonly mended: boolean
}

/** Throws on POISON until it is mended. */
const fragile = setup({ types: { context: {} as Fragile, events: {} as { type: 'WORK' | 'POISON'; op: string; n?: number } | { type: 'MEND'; op: string } } }).createMachine({
  context: { worked: [], mended: false },
  on: {
    WORK: { actions: assign(({ context, event }) => ({ worked: [...context.worked, event.op] })) },
    POISON: {
      actions: assign(({ context, event }) => {
        if (!context.mended) throw new Error(`${event.op} is poison`)
        return { worked: [...context.worked, event.op] }
      }),
    },
    MEND: { actions: assign({ mended: true }) },
  },
})

interface Clockwork {
  readonly fired: readonly number[]
}

type ClockworkEvent = { type: 'ARM'; op: string; n: number; id: string; delay: number } | { type: 'DISARM'; op: string; id: string } | { type: 'TICK'; n: number }

const clockwork = setup({ types: { context: {} as Clockwork, events: {} as ClockworkEvent } }).createMachine({
  context: { fired: [] },
  on: {
    ARM: { actions: enqueueActions(({ enqueue, event: { n, delay, id } }) => enqueue.raise({ type: 'TICK', n }, { delay, id })) },
    DISARM: { actions: cancel(({ event }) => event.id) },
    TICK: { actions: assign(({ context, event }) => ({ fired: [...context.fired, event.n] })) },
  },
  initial: 'resting',
  states: { resting: { after: { 700: 'rung' } }, rung: {} },
})

const JOBS = 3

interface Worker extends Sender {
  readonly name: string
  readonly crew: string
}

const worker = setup({ types: { context: {} as Worker, events: {} as { type: 'JOB' | 'FINISH'; n: number }, input: {} as Pick<Worker, 'name' | 'crew'> } }).createMachine({
  context: ({ input }) => ({ ...input, sent: {} }),
  initial: 'working',
  output: ({ context }) => context.name,
  states: {
    working: {
      on: {
        JOB: {
          actions: [
            assign(({ context }) => ({ sent: counted(context, context.crew) })),
            sendParent(({ context: { name, sent, crew } }) => ({ type: 'REPORT', worker: name, n: sent[crew] })),
          ],
        },
        FINISH: 'finished',
      },
    },
    finished: { type: 'final' },
  },
})

/** Throws at its first job: its parent hears of the error. */
const saboteur = setup({ types: { events: {} as { type: 'JOB'; n: number } } }).createMachine({
  on: {
    JOB: {
      actions: () => {
        throw new Error('sabotage')
      },
    },
  },
})

interface Crew extends Sender {
  readonly address: string
  /** Address of an account that hears of each report. */
  readonly tallies: string
  readonly over: readonly string[]
}

const members = ['invoked', 'spawned', 'saboteur'] as const

/** A root with durable children: one invoked, one spawned, one that fails. It is done when all three are over. */
const crew = setup({
  types: { context: {} as Crew, events: {} as { type: 'REPORT'; worker: string; n: number } | { type: 'GO'; op: string }, input: {} as Pick<Crew, 'address' | 'tallies'> },
  actors: { worker: remote<typeof worker>('worker'), saboteur: remote<typeof saboteur>('saboteur') },
  actions: { over: assign({ over: ({ context }, name: string) => [...context.over, name].toSorted() }) },
}).createMachine({
  context: ({ input }) => ({ ...input, sent: {}, over: [] }),
  output: ({ context }) => context.over,
  initial: 'working',
  states: {
    working: {
      entry: spawnChild('worker', { id: 'spawned', input: ({ context }) => ({ name: 'spawned', crew: context.address }) }),
      invoke: [
        { src: 'worker', id: 'invoked', input: ({ context }) => ({ name: 'invoked', crew: context.address }), onDone: { actions: { type: 'over', params: ({ event }) => event.output as string } } },
        { src: 'saboteur', id: 'saboteur', onError: { actions: { type: 'over', params: 'saboteur' } } },
      ],
      on: {
        GO: {
          actions: enqueueActions(({ enqueue, context }) => {
            let { sent } = context
            for (const member of members) {
              sent = counted({ sent }, member)
              enqueue.sendTo(member, { type: 'JOB', n: sent[member] as number })
            }
            enqueue.assign({ sent })
          }),
        },
        REPORT: {
          actions: enqueueActions(({ enqueue, context, event }) => {
            const sent = counted({ sent: counted(context, event.worker) }, context.tallies)
            enqueue.sendTo(event.worker, { type: event.n < JOBS ? 'JOB' : 'FINISH', n: sent[event.worker] as number })
            enqueue.sendTo(actorAt(context.tallies), { type: 'TALLY', n: sent[context.tallies] })
            enqueue.assign({ sent })
          }),
        },
        'xstate.done.actor.spawned': { actions: { type: 'over', params: 'spawned' } },
      },
      always: { guard: ({ context }) => context.over.length === members.length, target: 'over' },
    },
    over: { type: 'final' },
  },
})

interface Tasker {
  readonly results: readonly string[]
}

/** Asks for one task after the other: one that fails twice, one that always fails, a plain promise, one that is left before it ends. */
const createTasker = (outside: Outside) => {
  const run = (name: string, work: (scope: TaskScope<unknown>) => unknown) => async (scope: TaskScope<unknown>): Promise<unknown> => {
    outside.effect({ task: name, key: scope.idempotencyKey, attempt: scope.attempt })
    return work(scope)
  }
  return setup({
    types: { context: {} as Tasker, events: {} as { type: 'LEAVE'; op: string } },
    actors: {
      flaky: task({ retry: { attempts: 30, baseMs: 40, factor: 1 }, run: run('flaky', ({ attempt }) => (attempt < 3 ? Promise.reject(new Error(`attempt ${attempt}`)) : 'flaky')) }),
      hopeless: task({ retry: { attempts: 2, baseMs: 40 }, run: run('hopeless', () => Promise.reject(new Error('hopeless'))) }),
      plain: fromPromise(async () => 'plain'),
      gated: task({ run: run('gated', async () => outside.gate('gated')) }),
    },
    actions: { note: assign({ results: ({ context }, result: string) => [...context.results, result] }) },
  }).createMachine({
    context: { results: [] },
    initial: 'calling',
    states: {
      calling: { invoke: { src: 'flaky', onDone: { target: 'declining', actions: { type: 'note', params: 'flaky' } } } },
      declining: { invoke: { src: 'hopeless', onError: { target: 'plain', actions: { type: 'note', params: 'hopeless' } } } },
      plain: { invoke: { src: 'plain', onDone: { target: 'gated', actions: { type: 'note', params: 'plain' } } } },
      gated: { invoke: { src: 'gated', onDone: { target: 'passed' } }, on: { LEAVE: 'left' } },
      passed: {},
      left: {},
    },
  })
}

export const createMachines = (outside: Outside) => ({ account, fragile, clockwork, crew, worker, saboteur, tasker: createTasker(outside) })

export type Machines = ReturnType<typeof createMachines>
