import { reply } from 'troupe'
import type { ActorSnapshot } from 'troupe'
import { assign, setup } from 'xstate'
import type { Client } from '../client.ts'
import { isLinearizable } from '../linearize.ts'
import type { RegisterOperation } from '../linearize.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const KEYS = 5
const CLIENTS = 6
const TIMEOUT_MS = 3_000

interface Register {
  readonly value: string | null
  /** What each swap has found. */
  readonly found: Readonly<Record<string, string | null>>
}

type RegisterEvent = { type: 'READ' } | { type: 'WRITE'; value: string } | { type: 'SWAP'; swap: string; value: string }

const register = setup({ types: { context: {} as Register, events: {} as RegisterEvent } }).createMachine({
  context: { value: null, found: {} },
  on: {
    READ: { actions: reply(({ context }) => context.value) },
    WRITE: { actions: assign(({ event }) => ({ value: event.value })) },
    SWAP: { actions: assign(({ context, event }) => ({ value: event.value, found: { ...context.found, [event.swap]: context.value } })) },
  },
})

/** Clients ask a few registers at once, and each writes down when it asked and what it was told. */
export function createRegister({ hire, size, begun }: WorkloadParts): Workload {
  const operations = new Map<string, RegisterOperation[]>()
  const rounds = Math.max(1, Math.round(size / CLIENTS))

  async function one(client: Client, key: string): Promise<void> {
    const op = client.nextOperation()
    const kind = client.draw.of(['read', 'write', 'swap'] as const)
    const triesMax = client.draw.chance(0.15) ? 1 : Infinity
    const value = kind === 'read' ? null : op
    // A read that was not answered is another one when it is tried again.
    let from = client.now
    const answer = await client.insist(
      `${kind} ${op}`,
      async runtime => {
        const actor = runtime.at(`register/${key}`)
        if (kind === 'read') from = client.now
        if (kind === 'read') return { found: (await actor.ask({ type: 'READ' }, { until: 'reply', timeout: TIMEOUT_MS })).reply as string | null }
        const options = { idempotencyKey: op, timeout: TIMEOUT_MS }
        const { context } = (await actor.ask({ type: kind === 'write' ? 'WRITE' : 'SWAP', swap: op, value }, options)) as ActorSnapshot<typeof register>
        return { found: context.found[op] }
      },
      triesMax,
    )
    if (kind === 'read' && !answer) return
    const done: RegisterOperation = { op, kind, value, result: answer?.found, from, to: answer ? client.now : Infinity }
    operations.get(key)?.push(done)
  }

  async function asker(client: Client): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      await one(client, client.draw.of([...operations.keys()]))
    }
  }

  return {
    machines: { register },
    async run() {
      for (let index = 0; index < KEYS; index++) operations.set(`r${index}`, [])
      const opener = hire('o')
      await Promise.all([...operations.keys()].map(key => opener.start(`register/${key}`)))
      begun()
      await Promise.all(Array.from({ length: CLIENTS }, (_, index) => asker(hire(`c${index}-`))))
    },
    checks: {
      P5: ({ hasLostTail }, report) => {
        // What was acknowledged and lost has been seen by somebody: that is not linearizable, and not promised then.
        if (hasLostTail) return
        for (const [key, done] of operations) if (!isLinearizable(done, null)) report(`register/${key} has no order of its operations that explains ${JSON.stringify(done)}`)
      },
    },
    mayLive: () => true,
  }
}
