import { swarm, swarmCell } from 'troupe/patterns'
import type { SwarmOptions } from 'troupe/patterns'

const options: SwarmOptions<number> = {
  name: 'gossip',
  peers: 2_000,
  neighbourhood: { random: 3 },
  init: id => id,
  rule: ({ id, round, state, messages }) => {
    const best = Math.max(state, ...messages.map(({ body }) => body as number))
    if (round > 0 && best === state) return undefined
    return { state: best, send: [{ to: 'neighbours', body: best }], ...(id === 0 && { write: [{ topic: 'best', value: best }] }) }
  },
  cell: 'gossip-cell',
}
const gossip = swarm(options)

export const machines = { gossip, 'gossip-cell': swarmCell(options) }
