import '../support/differential/quiet-console.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compare } from '../support/differential/compare.ts'
import type { HostFactory } from '../support/differential/host.ts'
import { LiveHost } from '../support/differential/live-host.ts'
import type { PlantedFault } from '../support/differential/live-host.ts'
import { plans } from '../support/differential/plan.ts'
import { RuntimeHost } from '../support/differential/runtime-host.ts'
import type { RuntimeFault } from '../support/differential/runtime-host.ts'
import { subjects } from '../support/differential/subjects.ts'

const SEED = 4711
const RUNS = 60

/** The difference that a host shows on a machine; undefined when it behaves as plain XState in all runs. */
async function difference(name: string, createHost: HostFactory): Promise<string | undefined> {
  const subject = subjects.find(one => one.name === name)
  if (!subject) throw new Error(`there is no machine '${name}'`)
  const property = fc.asyncProperty(plans(subject), plan => compare(subject, plan, createHost))
  const { failed, errorInstance } = await fc.check(property, { seed: SEED, numRuns: RUNS, endOnFailure: true })
  return failed ? (errorInstance as Error).message : undefined
}

const liveFaults: Readonly<Record<PlantedFault, string>> = {
  'timers are lost on restore': 'traffic light',
  'timers fire early': 'named delays',
  'tasks are lost on restore': 'promises',
  'a delta op is skipped': 'conversation',
  'a delta is lost': 'player with history',
  'emitted events are lost': 'emitter',
}

describe('the comparison of live actors catches a host that is wrong', () => {
  test.each(Object.entries(liveFaults) as [PlantedFault, string][])('%s', async (fault, name) => {
    expect(await difference(name, (subject, crashHere) => new LiveHost(subject, crashHere))).toBeUndefined()
    expect(await difference(name, (subject, crashHere) => new LiveHost(subject, crashHere, { fault }))).toContain('differs after')
  })
})

const runtimeFaults: Readonly<Record<RuntimeFault, string>> = {
  'a delta is lost on restore': 'player with history',
  'events are sent again without their key': 'inputs',
}

describe('the comparison of the runtime catches a runtime that is wrong', () => {
  test.each(Object.entries(runtimeFaults) as [RuntimeFault, string][])('%s', async (fault, name) => {
    expect(await difference(name, (subject, crashHere) => new RuntimeHost(subject, crashHere))).toBeUndefined()
    expect(await difference(name, (subject, crashHere) => new RuntimeHost(subject, crashHere, fault))).toContain('differs after')
  })
})
