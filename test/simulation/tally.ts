import type { Counters } from '../../src/host/env.ts'
import { createCounters } from '../../src/host/env.ts'
import type { Mishap } from './sim-network.ts'
import { networkFaults } from './plan.ts'
import type { SimFault } from './plan.ts'

export const faultKinds = ['kill', 'drain', 'pause', 'clock', 'store', ...networkFaults] as const satisfies readonly SimFault['kind'][]

const facts = ['seeds', 'quiet seeds', 'events', 'operations', 'given up', 'tries', 'compensations'] as const
const mishaps = ['request lost', 'reply lost', 'doubled', 'late', 'hint lost', 'hint doubled', 'answer lost', 'writes lost'] as const satisfies readonly (Mishap | 'answer lost' | 'writes lost')[]

type Count = (typeof facts)[number] | (typeof mishaps)[number] | keyof Counters

/** What happened, over one world or many: a run that was green in vain shows here. */
export class Tally {
  readonly counts = new Map<string, number>()

  count(what: Count, times = 1): void {
    this.#add(what, times)
  }

  /** A fault has struck, while something was under way or not. */
  struck(kind: SimFault['kind'], isInFlight: boolean): void {
    this.#add(`fault: ${kind}`, 1)
    this.#add(`fault: ${kind}, in flight`, isInFlight ? 1 : 0)
  }

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [what, times] of counts) this.#add(what, times)
  }

  get(what: Count): number {
    return this.counts.get(what) ?? 0
  }

  /** Faults of a kind that struck while something was under way. */
  inFlight(kind: SimFault['kind']): number {
    return this.counts.get(`fault: ${kind}, in flight`) ?? 0
  }

  table(): string {
    const counted = [...facts, ...(Object.keys(createCounters()) as (keyof Counters)[]), ...mishaps].map(what => row(what, this.get(what)))
    const faults = faultKinds.map(kind => row(kind, this.counts.get(`fault: ${kind}`) ?? 0, this.inFlight(kind)))
    return [...counted, '', row('fault', 'struck', 'in flight'), ...faults].join('\n')
  }

  #add(what: string, times: number): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }
}

const row = (what: string, ...cells: readonly (number | string)[]): string => what.padEnd(16) + cells.map(cell => String(cell).padStart(14)).join('')
