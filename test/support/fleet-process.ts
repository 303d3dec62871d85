/**
 * One of several workers on a store: `node fleet-process.ts <lease in milliseconds> <effect log>`.
 * Loads everything, then waits to be told to open the store, so that it stands in at once for one that is killed.
 */
import { appendFileSync } from 'node:fs'
import { createRuntime } from 'troupe'
import type { Health, Runtime } from 'troupe'
import { toErrorInfo } from '../../src/core/errors.ts'
import { createFleetMachines } from './fleet/fleet-machines.ts'
import { commands, say } from './processes.ts'

/** Sends an event under one idempotency key, or starts an actor; over and over, until one try is acknowledged. */
export interface Operation {
  readonly op: string
  /** `machine/key` */
  readonly to: string
  readonly event?: { readonly type: string; readonly [key: string]: unknown }
  readonly input?: unknown
}

export type FleetCommand =
  | { readonly do: 'open'; readonly store: string }
  | { readonly do: 'operate'; readonly call: number; readonly operation: Operation }
  | { readonly do: 'close' }

export interface Answer {
  readonly call: number
  readonly error?: { readonly code: string | undefined; readonly message: string }
}

export type FleetFact =
  | { readonly fact: 'warm' }
  | { readonly fact: 'ready' }
  | { readonly fact: 'answers'; readonly answers: readonly Answer[]; readonly counters: Health['counters'] }
  | { readonly fact: 'trouble'; readonly code: string | undefined; readonly message: string }

const [leaseTtlMs = '', effectLog = ''] = process.argv.slice(2)
const machines = createFleetMachines(effect => appendFileSync(effectLog, `${JSON.stringify(effect)}\n`))
type FleetRuntime = Runtime<typeof machines>

function trouble(error: unknown): void {
  const { code, message } = toErrorInfo(error)
  say({ fact: 'trouble', code, message })
}

const open = (store: string): Promise<FleetRuntime> =>
  // More crashes than a task would survive by default.
  createRuntime({ machines, store, limits: { leaseTtlMs: Number(leaseTtlMs), taskCrashesMax: 10_000 }, onError: trouble })

/** An outage may be on when a worker starts. */
async function insist(store: string): Promise<FleetRuntime> {
  for (;;) {
    try {
      return await open(store)
    } catch (error) {
      trouble(error)
    }
  }
}

let answers: Answer[] = []

/** What is answered in one turn is told in one line. */
function answer(runtime: FleetRuntime, given: Answer): void {
  if (answers.push(given) > 1) return
  setImmediate(() => {
    say({ fact: 'answers', answers, counters: runtime.health().counters })
    answers = []
  })
}

async function operate(runtime: FleetRuntime, call: number, { op, to, event, input }: Operation): Promise<void> {
  try {
    const actor = runtime.at(to)
    await (event ? actor.send({ op, ...event } as { type: string }, { idempotencyKey: op }) : actor.start(input as never))
    answer(runtime, { call })
  } catch (error) {
    const { code, message } = toErrorInfo(error)
    answer(runtime, { call, error: { code, message } })
  }
}

let runtime: FleetRuntime | undefined
say({ fact: 'warm' })
for await (const command of commands<FleetCommand>()) {
  if (command.do === 'open') {
    runtime = await insist(command.store)
    say({ fact: 'ready' })
  }
  if (command.do === 'operate' && runtime) void operate(runtime, command.call, command.operation)
  if (command.do === 'close') break
}
await runtime?.close()
process.exit()
