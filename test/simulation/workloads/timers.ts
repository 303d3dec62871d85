import { createMachines } from '../../support/faults/machines.ts'
import type { Client } from '../client.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const CLOCKS = 6
/** Operations that one round stands for. */
const WEIGHT = 1.7
const DELAY_MAX_MS = 3_000
const IDS = ['first', 'second', 'third']

/** Alarms are set, set again under the same id, and called off; the checkers of every history know what a timer is. */
export function createTimers({ outside, hire, size, begun, losesTail }: WorkloadParts): Workload {
  const { clockwork } = createMachines({ effect: effect => outside.effect(effect), gate: () => new Promise(() => undefined) })
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLOCKS))

  async function keeper(client: Client, key: string): Promise<void> {
    const address = `clockwork/${key}`
    const { draw } = client
    const ids = [...IDS]
    for (let round = 0, n = 0; round < rounds; round++) {
      await client.think(rounds)
      const index = draw.from(0, ids.length)
      // As in XState, a timer that is set again under its id does not call off the one before. Each is waited for, because
      // what goes through another process may overtake it.
      await client.send(address, { type: 'DISARM', id: ids[index] }, { asks: true })
      if (draw.chance(0.3)) continue
      // Where the store may forget that the one before was called off, no id comes twice.
      if (losesTail) ids[index] = `timer ${n}`
      await client.send(address, { type: 'ARM', n: ++n, id: ids[index], delay: draw.from(0, DELAY_MAX_MS) }, { asks: true })
    }
  }

  return {
    machines: { clockwork },
    async run() {
      const keys = Array.from({ length: CLOCKS }, (_, index) => `k${index}`)
      const opener = hire('o')
      await Promise.all(keys.map(key => opener.start(`clockwork/${key}`)))
      begun()
      await Promise.all(keys.map((key, index) => keeper(hire(`k${index}-`), key)))
    },
    checks: {},
    mayLive: () => true,
  }
}
