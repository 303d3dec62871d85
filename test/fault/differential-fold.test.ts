import { assign, setup } from 'xstate'
import { createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'

const log = setup({ types: {} as { context: { readonly lines: readonly string[] }; events: { type: 'ADD'; text: string } } }).createMachine({
  context: { lines: [] },
  on: { ADD: { actions: assign({ lines: ({ context, event }) => [...context.lines, event.text] }) } },
})

test('an actor that was restored and then folded into a new base keeps every step', async () => {
  await using world = await createTestWorld({ machines: { log } })
  await world.runtime.actor('log', '1').start()
  const expected: string[] = []
  const add = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const text = `line ${expected.length} ${'x'.repeat(300)}`
      expected.push(text)
      await world.runtime.actor('log', '1').send({ type: 'ADD', text })
    }
  }
  for (let life = 0; life < 4; life++) {
    await add(20)
    await world.crash()
    await world.restart()
    expect((await world.runtime.actor('log', '1').snapshot()).context.lines).toEqual(expected)
  }
})
