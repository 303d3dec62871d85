import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runUnderFaults } from '../support/faults/fault-world.ts'
import type { Fault, FaultPlan, Run } from '../support/faults/fault-world.ts'
import { Sweep, callFaults, problemsOf } from '../support/faults/sweep.ts'

/** What a store may do to a process at each of its calls, beside witnessing its death. A guest is a process whose partitions all belong to another one. */
const sweep = new Sweep()
let [owner, guest]: [Run | undefined, Run | undefined] = [undefined, undefined]

beforeAll(async () => {
  owner = await runUnderFaults({ faults: [] })
  guest = await runUnderFaults({ faults: [], guest: true })
})

async function strikeEach(faults: readonly Fault[], plan: Partial<FaultPlan> = {}): Promise<void> {
  const { struck } = sweep.totals
  const before = sweep.failures.length
  for (const fault of faults) await sweep.run({ ...plan, faults: [fault] })
  expect(sweep.failures.slice(before)).toEqual([])
  expect(sweep.totals.struck - struck).toBe(faults.length)
}

/** The reads of a watcher are many and alike: owners are struck at each, guests at all their other calls. */
const guestFaults = (then: 'die' | 'refuse' | 'freeze', verbs: 'reads once' | 'writes'): readonly Fault[] => callFaults(guest as Run, then, verbs).filter(fault => 'call' in fault && guest?.calls[fault.call - 1] !== 'history')

test('a guest leaves nothing wrong when nothing fails', () => {
  expect(guest && problemsOf(guest)).toEqual([])
  expect(guest?.calls).toEqual(expect.arrayContaining(['append', 'takeReplies']))
})

describe('any call may be refused once, before it took effect or after', () => {
  test('to an owner', () => strikeEach(callFaults(owner as Run, 'refuse', 'reads once')))
  test('to a guest', () => strikeEach(guestFaults('refuse', 'reads once'), { guest: true }))
})

describe('a process may be cut off at any write, until another one has taken over, and then go on', () => {
  test('as an owner', async () => {
    const { fenced } = sweep.totals
    await strikeEach(callFaults(owner as Run, 'freeze', 'writes'))
    expect(sweep.totals.fenced).toBeGreaterThan(fenced)
  })

  test('as a guest', () => strikeEach(guestFaults('freeze', 'writes'), { guest: true }))
})

test('a guest may die before and after any call', () => strikeEach(guestFaults('die', 'reads once'), { guest: true }))

afterAll(() => console.log(`crash points, store: ${JSON.stringify(sweep.totals)}`))
