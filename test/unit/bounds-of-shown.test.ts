/** Bounds of what is counted, and of what counts as said. */
import { setup } from 'xstate'
import { expect, test } from 'vitest'
import { approvalsOf } from '../../src/core/catalogue.ts'
import { TALLY_GROUPS_MAX } from '../../src/core/store.ts'
import { Tally } from '../../src/core/tally.ts'
import { addressTarget } from '../../src/core/targets.ts'

test('a tally keeps apart a bounded number of kinds, and counts all', () => {
  const tally = new Tally()
  const kinds = 10 * TALLY_GROUPS_MAX + 5
  for (let n = 0; n < kinds; n++) tally.add({ machine: `m${n}`, status: 'active', states: [], count: 1 })
  tally.add({ machine: 'm0', status: 'active', states: [], count: 1 })
  const { total, groups } = tally.result()
  expect(total).toBe(kinds + 1)
  expect(groups).toHaveLength(TALLY_GROUPS_MAX)
  expect(groups[0]).toEqual({ machine: 'm0', status: 'active', states: [], count: 2 })
})

test('a machine that says nothing of approvals waits for none', () => expect(approvalsOf(setup({}).createMachine({}), {})).toEqual([]))

test('only an address of text is one', () => {
  expect(addressTarget({ address: 5 })).toBeUndefined()
  expect(addressTarget({ address: 'order/1' })).toEqual({ address: 'order/1' })
})
