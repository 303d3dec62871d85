import { setup } from 'xstate'
import { createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'

const lamp = setup({ types: {} as { events: { type: 'KEEP' } } }).createMachine({
  initial: 'on',
  states: { on: { after: { 100: 'off' }, on: { KEEP: 'kept' } }, off: {}, kept: {} },
})

test('a partition comes to rest when the time of a cancelled timer has come', async () => {
  await using world = await createTestWorld({ machines: { lamp } })
  await world.runtime.actor('lamp', '1').start()
  await world.runtime.actor('lamp', '1').send({ type: 'KEEP' })
  const looks = async (): Promise<number> => {
    await world.settle()
    return world.visits.get('take') ?? 0
  }
  await Promise.race([world.advance(200), new Promise((_resolve, reject) => setImmediate(() => setTimeout(reject, 2_000, new Error('the partition never rests'))))])
  expect((await world.runtime.actor('lamp', '1').snapshot()).value).toBe('kept')
  const before = await looks()
  expect(await looks()).toBe(before)
})
