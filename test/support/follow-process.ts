/** Follows all counters of a store and tells each item: `node follow-process.ts <store> [cursor]`. Gives them events too, when told to. */
import { createRuntime } from 'troupe'
import { counters } from './follow-machines.ts'
import { commands, say } from './processes.ts'

export type FollowFact = { readonly fact: 'cursor'; readonly cursor: string } | { readonly fact: 'step'; readonly address: string; readonly seq: number; readonly cursor: string; readonly states: readonly string[] }
export interface FollowCommand {
  readonly add: string
}

const [store = '', from] = process.argv.slice(2)
const runtime = await createRuntime({ machines: counters, store, limits: { leaseTtlMs: 500 } })

async function follow(): Promise<void> {
  for await (const item of runtime.client().follow({ machine: 'counter', ...(from !== undefined && { from }) })) {
    if (item.type === 'cursor') say({ fact: 'cursor', cursor: item.cursor })
    else say({ fact: 'step', address: item.step.address, seq: item.step.seq, cursor: item.step.cursor, states: item.step.states })
  }
}

void follow()
for await (const { add } of commands<FollowCommand>()) void runtime.actor('counter', add).send({ type: 'ADD' })
