import { expect, test } from 'vitest'
import { actorId } from '../../src/core/address.ts'
import { setup } from 'xstate'
import type { Definition } from '../../src/host/definition.ts'
import { moversOf, nameMover } from '../../src/host/movers.ts'
import type { Mover } from '../../src/host/movers.ts'

test.each<[Mover['kind'], string, string]>([
  ['event', 'PAY', 'the event PAY'],
  ['child', actorId({ tenant: 'default', machine: 'order', key: '1' }), 'its child order/1'],
  ['messages', '3', '3 messages that wait for it'],
  ['code', '', 'its own code'],
  ['code', '/worker', 'the code of its child /worker'],
  ['task', '2', 'its task 2'],
  ['timer', 'late', 'its timer late'],
])('what may move an actor by its %s %j is named as people read it', (kind, name, text) => expect(nameMover({ kind, name })).toBe(text))

test('a cancelled actor may be moved by its end, and by messages that wait', () => {
  const logic = setup({}).createMachine({ initial: 'on', states: { on: {} } })
  const { movers } = moversOf({ logic } as unknown as Definition, { snapshot: { status: 'active', value: 'on', context: {} }, timers: {}, tasks: {}, cancelAt: 5 }, 2)
  expect(movers.map(nameMover)).toEqual(['its timer cancel', '2 messages that wait for it'])
})
