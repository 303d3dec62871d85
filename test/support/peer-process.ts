/**
 * One of several processes on a store: `node peer-process.ts <store> <lease in milliseconds>`.
 * Does what it is told through the runtime, and answers each call.
 */
import { createRuntime } from 'troupe'
import type { ActorQuery, DeadLetterQuery } from 'troupe'
import { toErrorInfo } from '../../src/core/errors.ts'
import type { HiveInput } from './hive.ts'
import { machines } from './peer-machines.ts'
import type { LedgerEvent } from './peer-machines.ts'
import { commands, say } from './processes.ts'

export interface PeerCommand {
  readonly call: number
  readonly verb: keyof typeof verbs
  readonly args: readonly unknown[]
}

export type PeerFact =
  | { readonly fact: 'ready' }
  | { readonly fact: 'step'; readonly call: number; readonly seq: number }
  | { readonly fact: 'answer'; readonly call: number; readonly value?: unknown; readonly error?: { readonly code: string; readonly message: string } }

const [store = '', leaseTtlMs = ''] = process.argv.slice(2)
const runtime = await createRuntime({ machines, store, limits: { leaseTtlMs: Number(leaseTtlMs) } })
const ledger = (key: string) => runtime.actor('ledger', key)

const verbs = {
  start: (key: string, owner: string) => ledger(key).start({ owner }),
  send: (key: string, event: LedgerEvent, idempotencyKey?: string) => ledger(key).send(event, { ...(idempotencyKey !== undefined && { idempotencyKey }) }),
  async ask(key: string, event: LedgerEvent, until: 'processed' | 'reply' | { readonly tag: 'there' } | { readonly notes: number }) {
    const condition = typeof until === 'object' && 'notes' in until ? { until: ({ context }: { context: { notes: readonly unknown[] } }) => context.notes.length >= until.notes } : { until }
    const { seq, value, context, reply } = await ledger(key).ask(event, condition)
    return { seq, value, context, reply }
  },
  async snapshot(key: string) {
    const { seq, status, value, context } = await ledger(key).snapshot()
    return { seq, status, value, context }
  },
  async list(query: ActorQuery) {
    const { actors, cursor } = await runtime.actors(query)
    return { cursor, actors: actors.map(({ address, run, seq, status }) => ({ address, run, seq, status })) }
  },
  breed: (key: string, input: HiveInput) => runtime.actor('hive', key).start(input),
  heard: async (key: string) => (await runtime.actor('hive', key).snapshot()).context.heard,
  harvest: (key: string) => runtime.actor('hive', key).result(),
  async letters(query: DeadLetterQuery) {
    return (await runtime.deadLetters.list(query)).map(({ id, state }) => ({ id, state }))
  },
  replay: (id: string) => runtime.deadLetters.replay(id),
  health: async () => runtime.health(),
  close: () => runtime.close(),
}

/** Tells each step of an actor. */
async function watch(call: number, key: string, from: number): Promise<void> {
  for await (const { seq } of ledger(key).watch({ from })) say({ fact: 'step', call, seq })
}

async function answer({ call, verb, args }: PeerCommand): Promise<void> {
  try {
    const value = await (verbs[verb] as (...given: readonly unknown[]) => Promise<unknown>)(...args)
    say({ fact: 'answer', call, value })
  } catch (error) {
    const { code, message } = toErrorInfo(error)
    say({ fact: 'answer', call, error: { code, message } })
  }
}

say({ fact: 'ready' })
for await (const command of commands<PeerCommand | { readonly watch: number; readonly key: string; readonly from: number }>()) {
  void ('watch' in command ? watch(command.watch, command.key, command.from) : answer(command))
}
await runtime.close()
