/**
 * A bank with jobs and alarms, in a process that is killed at random: `node kill-process.ts <store> <effect log>`.
 * Loads everything, then waits to be told to open the store, so that its successors start while it still lives.
 */
import { appendFileSync } from 'node:fs'
import { actorAt, createRuntime, task } from 'troupe'
import type { Runtime, TaskScope } from 'troupe'
import { assign, sendTo, setup } from 'xstate'
import { toErrorInfo } from '../../src/core/errors.ts'
import { commands, say, waitUntil } from './processes.ts'

export type KillCommand =
  | { readonly do: 'open' }
  | { readonly do: 'transfer'; readonly op: string; readonly from: string; readonly to: string; readonly cents: number }
  | { readonly do: 'start'; readonly op: string; readonly machine: 'account' | 'job' | 'alarm' | 'belfry'; readonly key: string; readonly input: unknown }
  | { readonly do: 'settle'; readonly alarms: number }
  | { readonly do: 'close' }

export type KillFact =
  | { readonly fact: 'warm' | 'ready' | 'settled' }
  | { readonly fact: 'ack'; readonly op: string; readonly duplicates: number }
  | { readonly fact: 'trouble'; readonly what: string }

const [path = '', effectLog = ''] = process.argv.slice(2)

export interface AccountContext {
  readonly cents: number
  /** Events sent to each other account: each event carries its number. */
  readonly sent: Readonly<Record<string, number>>
  readonly debited: readonly string[]
  readonly credited: readonly string[]
}

type AccountEvent = { type: 'TRANSFER'; op: string; to: string; cents: number } | { type: 'CREDIT'; op: string; cents: number; n: number }

const account = setup({ types: { context: {} as AccountContext, events: {} as AccountEvent, input: {} as { cents: number } } }).createMachine({
  context: ({ input }) => ({ cents: input.cents, sent: {}, debited: [], credited: [] }),
  on: {
    TRANSFER: {
      actions: [
        assign(({ context: { cents, sent, debited }, event }) => ({
          cents: cents - event.cents,
          sent: { ...sent, [`account/${event.to}`]: (sent[`account/${event.to}`] ?? 0) + 1 },
          debited: [...debited, event.op],
        })),
        sendTo(
          ({ event }) => actorAt(`account/${event.to}`),
          ({ context, event: { op, to, cents } }) => ({ type: 'CREDIT', op, cents, n: context.sent[`account/${to}`] }),
        ),
      ],
    },
    CREDIT: { actions: assign(({ context: { cents, credited }, event }) => ({ cents: cents + event.cents, credited: [...credited, event.op] })) },
  },
})

interface Job {
  readonly id: string
  readonly ms: number
}

/** One task with an effect outside, which no database undoes. */
const job = setup({
  types: { context: {} as Job & { results: readonly string[] }, input: {} as Job },
  actors: {
    work: task({
      retry: { attempts: 10_000, baseMs: 5, maxMs: 20 },
      run: async ({ input: { id, ms }, idempotencyKey: key, attempt }: TaskScope<Job>) => {
        appendFileSync(effectLog, `${JSON.stringify({ task: id, key, attempt })}\n`)
        await new Promise(resolve => setTimeout(resolve, ms))
        return id
      },
    }),
  },
}).createMachine({
  context: ({ input }) => ({ ...input, results: [] }),
  initial: 'working',
  states: {
    working: {
      invoke: { src: 'work', input: ({ context: { id, ms } }) => ({ id, ms }), onDone: { target: 'worked', actions: assign(({ context, event }) => ({ results: [...context.results, event.output] })) } },
    },
    worked: {},
  },
})

interface Alarm {
  readonly id: string
  readonly delay: number
  readonly armedAt: number
}

/** Rings once, in a belfry that counts. */
const alarm = setup({ types: { context: {} as Alarm, input: {} as Pick<Alarm, 'id' | 'delay'> }, delays: { delay: ({ context }) => context.delay } }).createMachine({
  context: ({ input: { id, delay } }) => ({ id, delay, armedAt: Date.now() }),
  initial: 'armed',
  states: {
    armed: { after: { delay: 'rung' } },
    rung: { entry: sendTo(actorAt('belfry/1'), ({ context: { id, delay, armedAt } }) => ({ type: 'RING', id, lateMs: Date.now() - armedAt - delay })) },
  },
})

export interface BelfryContext {
  readonly rings: readonly { readonly id: string; readonly lateMs: number }[]
}

const belfry = setup({ types: { context: {} as BelfryContext, events: {} as { type: 'RING'; id: string; lateMs: number } } }).createMachine({
  context: { rings: [] },
  on: { RING: { actions: assign(({ context, event: { id, lateMs } }) => ({ rings: [...context.rings, { id, lateMs }] })) } },
})

const machines = { account, job, alarm, belfry }

const open = (): Promise<Runtime<typeof machines>> =>
  createRuntime({
    machines,
    store: `sqlite:${path}?partitions=4`,
    // More kills than a task would survive by default.
    limits: { taskCrashesMax: 10_000 },
    onError: error => say({ fact: 'trouble', what: toErrorInfo(error).message }),
  })

/** Waits until no task runs and all alarms have been heard in the belfry. */
async function settle(runtime: Runtime<typeof machines>, alarms: number): Promise<void> {
  const isOver = async (): Promise<boolean> => {
    const [{ actors: working }, { context }] = await Promise.all([runtime.actors({ machine: 'job', state: 'working' }), runtime.actor('belfry', '1').snapshot()])
    return working.length === 0 && context.rings.length >= alarms
  }
  await waitUntil('tasks and timers are over', isOver)
  say({ fact: 'settled' })
}

async function serve(): Promise<void> {
  let runtime: Runtime<typeof machines> | undefined
  const acknowledge = (op: string, done: Promise<void> | undefined): void => {
    done?.then(
      () => say({ fact: 'ack', op, duplicates: runtime?.health().counters.duplicates }),
      (error: unknown) => say({ fact: 'trouble', what: `${op}: ${toErrorInfo(error).message}` }),
    )
  }
  say({ fact: 'warm' })
  for await (const command of commands<KillCommand>()) {
    switch (command.do) {
      case 'open':
        runtime = await open()
        say({ fact: 'ready' })
        break
      case 'transfer': {
        const { op, from, to, cents } = command
        acknowledge(op, runtime?.actor('account', from).send({ type: 'TRANSFER', op, to, cents }, { idempotencyKey: op }))
        break
      }
      case 'start':
        acknowledge(command.op, runtime?.actor(command.machine, command.key).start(command.input as never))
        break
      case 'settle':
        if (runtime) await settle(runtime, command.alarms)
        break
      case 'close':
        await runtime?.close()
        return
    }
  }
}

await serve()
process.exit()
