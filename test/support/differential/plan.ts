import fc from 'fast-check'
import type { CrashPlan } from './host.ts'
import type { Subject, TestEvent } from './subject.ts'

export type PlanStep = { readonly events: readonly TestEvent[] } | { readonly advance: number }

/** A run of one subject: what happens, and between which commits the process dies. */
export interface Plan {
  readonly steps: readonly PlanStep[]
  readonly crashes: 'everywhere' | readonly number[]
}

/** Ways to die: ten points of the engine, three visits each. */
const HOWS = 30

const DELAYS = [0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 120, 200, 700]

export function plans(subject: Subject): fc.Arbitrary<Plan> {
  const advance = fc.oneof(fc.constantFrom(...DELAYS), fc.integer({ min: 0, max: 150 })).map(ms => ({ advance: ms }))
  const bursts = !subject.live && !subject.racy
  const event = fc.array(subject.events, { minLength: 1, maxLength: bursts ? 4 : 1 }).map(events => ({ events }))
  return fc.record({
    steps: fc.array(fc.oneof({ weight: 3, arbitrary: event }, { weight: 2, arbitrary: advance }), { minLength: 1, maxLength: 16, size: 'max' }),
    crashes: fc.oneof(fc.constant('everywhere' as const), fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: HOWS }) }), { maxLength: 32, size: 'max' })),
  })
}

/** Answers for one run; beyond its list a plan crashes no more. */
export function crashPlan({ crashes }: Plan): CrashPlan {
  let at = 0
  return () => (crashes === 'everywhere' ? 1 + (at++ % HOWS) : (crashes[at++] ?? 0))
}
