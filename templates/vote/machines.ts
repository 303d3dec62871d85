import { task } from 'troupe'
import { vote } from 'troupe/patterns'

/** Agents can vote too: `voters: { ann: 'ann', … }`. */
const says = (choice: string) => task({ run: () => ({ choice }) })

const release = vote({
  name: 'release',
  voters: { tests: says('go'), security: says('wait'), product: says('go') },
  weights: { security: 2 },
  tieBreaker: says('wait'),
})

export const machines = { release }
