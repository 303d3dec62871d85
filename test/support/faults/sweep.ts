import type { Counters } from '../../../src/host/env.ts'
import { checkHistory } from './checkers.ts'
import type { Verb } from './fault-store.ts'
import { runUnderFaults } from './fault-world.ts'
import type { Fault, FaultPlan, Run } from './fault-world.ts'

/** Verbs that change something: it matters whether they took effect. */
const writing: ReadonlySet<Verb> = new Set<Verb>(['claim', 'renew', 'release', 'commit', 'append', 'takeReplies', 'sweep'])

/** A fault at each visit of each crash point. */
export const pointFaults = ({ visits }: Pick<Run, 'visits'>): readonly Fault[] => [...visits].flatMap(([point, count]) => Array.from({ length: count }, (_, index) => ({ point, visit: index + 1 })))

/** A fault before and after each call; where nothing is changed, before and after may be one. */
export function callFaults({ calls }: Pick<Run, 'calls'>, then: 'die' | 'refuse' | 'freeze', verbs: 'all' | 'reads once' | 'writes' = 'all'): readonly Fault[] {
  return calls.flatMap((verb, index): Fault[] => {
    const before: Fault = { call: index + 1, when: 'before', then }
    if (verbs !== 'all' && !writing.has(verb)) return verbs === 'writes' ? [] : [before]
    return [before, { ...before, when: 'after' }]
  })
}

/** Runs under many plans: what went wrong, and that they were not green in vain. */
export class Sweep {
  readonly failures: string[] = []
  readonly totals = { runs: 0, struck: 0, steps: 0, commits: 0, duplicates: 0, staleTasks: 0, fenced: 0, takeovers: 0, handovers: 0, deadLetters: 0, taskRetries: 0, timersFired: 0, evictions: 0 }

  /** False when something is wrong. */
  async run(plan: FaultPlan): Promise<boolean> {
    const problems: string[] = []
    try {
      const run = await runUnderFaults(plan)
      this.#count(run)
      problems.push(...problemsOf(run))
    } catch (error) {
      problems.push(String(error))
    }
    if (problems.length > 0) this.failures.push(`${JSON.stringify({ ...plan, store: plan.store && 'given' })}\n  ${problems.slice(0, 5).join('\n  ')}`)
    return problems.length === 0
  }

  #count({ counters, struck }: Run): void {
    this.totals.runs++
    this.totals.struck += struck
    for (const name of Object.keys(counters) as (keyof Counters)[]) if (name in this.totals) this.totals[name as keyof Sweep['totals']] += counters[name]
  }
}

export const problemsOf = ({ history, complaints }: Run): readonly string[] => [...checkHistory(history).map(({ property, what }) => `${property}: ${what}`), ...complaints]
