import { setTimeout as sleep } from 'node:timers/promises'
import { task } from 'troupe'
import type { TaskOptions, TaskScope } from 'troupe'
import { assign, setup } from 'xstate'
import { toErrorInfo } from '../../src/core/errors.ts'
import type { ErrorInfo } from '../../src/core/errors.ts'

/** What a job's task does. */
export type Order = { readonly key?: string } & (
  | { readonly do: 'echo'; readonly value?: unknown }
  | { readonly do: 'sleep'; readonly ms: number }
  /** Gives back which process has done it. */
  | { readonly do: 'who'; readonly ms: number }
  /** Fails in its first attempts. */
  | { readonly do: 'fail'; readonly times: number }
  /** Goes on until it is aborted. */
  | { readonly do: 'hang' }
  /** Tells where it is, and goes on until it is aborted, or fails at once. */
  | { readonly do: 'beat'; readonly page: number; readonly fails?: boolean }
  | { readonly do: 'progress'; readonly steps: readonly unknown[] }
  /** Takes its process down. */
  | { readonly do: 'die' }
)

export interface TaskFact {
  readonly fact: 'began' | 'aborted' | 'over'
  readonly key: string
  readonly attempt: number
  readonly checkpoint?: unknown
  readonly reason?: string | undefined
}

/** Who hears what tasks in this process do. */
export const hearers = new Set<(fact: TaskFact) => void>()

async function obey(scope: TaskScope<Order>): Promise<unknown> {
  const { input, signal, attempt, idempotencyKey: key, checkpoint } = scope
  const tell = (fact: TaskFact['fact'], more: Partial<TaskFact> = {}): void => hearers.forEach(hear => hear({ fact, key, attempt, ...more }))
  tell('began', { checkpoint })
  signal.addEventListener('abort', () => tell('aborted', { reason: toErrorInfo(signal.reason).code }))
  const output = await carryOut(scope, input)
  tell('over')
  return output
}

async function carryOut({ signal, attempt, heartbeat, progress }: TaskScope<Order>, input: Order): Promise<unknown> {
  switch (input.do) {
    case 'echo':
      return input.value
    case 'sleep':
      return sleep(input.ms, `attempt ${attempt}`, { signal })
    case 'who':
      return sleep(input.ms, process.pid, { signal })
    case 'fail':
      if (attempt <= input.times) throw new TypeError(`failed in attempt ${attempt}`)
      return `done in attempt ${attempt}`
    case 'beat':
      heartbeat({ page: input.page + attempt })
      if (input.fails && attempt === 1) throw new Error('jam')
      return sleep(60_000, undefined, { signal })
    case 'hang':
      return sleep(60_000, undefined, { signal })
    case 'progress':
      for (const step of input.steps) progress(step)
      return undefined
    case 'die':
      process.kill(process.pid, 'SIGKILL')
      return sleep(60_000)
  }
}

export interface JobContext {
  readonly order: Order
  readonly results: readonly unknown[]
  readonly error: Pick<ErrorInfo, 'code' | 'name' | 'message'> | null
}

/** A machine with one task: works as soon as it starts. */
export const jobOf = (options: Partial<TaskOptions<Order, unknown>> = {}) =>
  setup({
    types: { context: {} as JobContext, input: {} as Order, events: {} as { type: 'LEAVE' } | { type: 'AGAIN' } },
    actors: { work: task<unknown, Order>({ queue: 'gpu', retry: { attempts: 3, baseMs: 20, maxMs: 100, jitter: 0 }, run: obey, key: ({ key = 'default' }) => key, ...options }) },
  }).createMachine({
    context: ({ input }) => ({ order: input, results: [], error: null }),
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          input: ({ context }) => context.order,
          onDone: { target: 'worked', actions: assign({ results: ({ context, event }) => [...context.results, event.output ?? null] }) },
          onError: { target: 'failed', actions: assign({ error: ({ event }) => toErrorInfo(event.error) }) },
        },
        on: { LEAVE: 'left' },
      },
      worked: { on: { AGAIN: 'working' } },
      failed: {},
      left: {},
    },
  })

export const machines = { job: jobOf(), timed: jobOf({ timeout: 200 }), silent: jobOf({ heartbeatTimeout: 200 }), urgent: jobOf({ priority: 'high' }), own: jobOf({ queue: 'own' }) }
