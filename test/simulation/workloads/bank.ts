import { createMachines } from '../../support/faults/machines.ts'
import type { Client } from '../client.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const ACCOUNTS = 6
const OPENING = 1_000
const TELLERS = 5

/** Tellers move money from account to account; the checkers of every history know what a bank is. */
export function createBank({ outside, hire, size, begun }: WorkloadParts): Workload {
  const { account } = createMachines({ effect: effect => outside.effect(effect), gate: () => new Promise(() => undefined) })
  const key = (index: number): string => String.fromCharCode('a'.charCodeAt(0) + index)
  const transfers = Math.max(1, Math.round(size / TELLERS))

  async function teller(client: Client): Promise<void> {
    const { draw } = client
    for (let round = 0; round < transfers; round++) {
      await client.think(transfers)
      const from = draw.from(0, ACCOUNTS)
      const to = (from + draw.from(1, ACCOUNTS)) % ACCOUNTS
      const transfer = { type: 'TRANSFER', to: key(to), cents: draw.from(1, 100) }
      const kind = draw.from(0, 10)
      if (kind === 0) await client.send(`account/${key(from)}`, { type: 'NOTE' }, { isKeyed: false })
      else await client.send(`account/${key(from)}`, transfer, { asks: kind < 4, triesMax: kind === 9 ? 1 : Infinity })
    }
  }

  return {
    machines: { account },
    async run() {
      const opener = hire('o')
      await Promise.all(Array.from({ length: ACCOUNTS }, (_, index) => opener.start(`account/${key(index)}`, { cents: OPENING })))
      begun()
      await Promise.all(Array.from({ length: TELLERS }, (_, index) => teller(hire(`t${index}-`))))
    },
    checks: {},
    mayLive: () => true,
  }
}
