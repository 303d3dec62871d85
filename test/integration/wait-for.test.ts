import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, setup } from 'xstate'

const kettle = setup({
  types: { context: {} as { degrees: number }, events: {} as { type: 'HEAT'; by: number } | { type: 'END' } | { type: 'BREAK' }, tags: {} as 'hot' },
  guards: { boils: ({ context }) => context.degrees >= 100 },
}).createMachine({
  context: { degrees: 20 },
  initial: 'cold',
  states: { cold: { always: { guard: 'boils', target: 'boiling' }, after: { 60_000: 'ended' } }, boiling: { tags: 'hot' }, ended: { type: 'final' } },
  on: { HEAT: { actions: assign({ degrees: ({ context, event }) => context.degrees + event.by }) }, END: '.ended', BREAK: { actions: () => { throw new Error('cracked') } } },
})
const machines = { kettle: { machine: kettle, supervision: { strategy: 'escalate' as const } } }

describe('waitFor', () => {
  test('resolves at once when it holds already', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('kettle', '1')
    await actor.start()
    expect((await actor.waitFor(({ context }) => context.degrees === 20)).seq).toBe(1)
    await actor.send({ type: 'HEAT', by: 90 })
    expect((await actor.waitFor({ tag: 'hot' })).value).toBe('boiling')
  })

  test('resolves with the first state that holds, for everybody who waits', async () => {
    const store = createMemoryStore()
    await using owner = await createTestWorld({ machines, store })
    await using guest = await createTestWorld({ machines, store, clock: owner.clock, seed: 2 })
    const actor = owner.runtime.actor('kettle', '1')
    await actor.start()
    const waiting = [actor.waitFor({ tag: 'hot' }), actor.waitFor(({ context }) => context.degrees > 50), guest.runtime.actor('kettle', '1').waitFor({ tag: 'hot' })]
    for (let step = 0; step < 6; step++) await actor.send({ type: 'HEAT', by: 20 })
    expect((await Promise.all(waiting)).map(({ context, seq }) => [context.degrees, seq])).toEqual([[100, 5], [60, 3], [100, 5]])
  })

  test('gives up after its time, half a minute when nothing else is said', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('kettle', '1')
    await actor.start()
    const short = expect(actor.waitFor({ tag: 'hot' }, { timeout: 100 })).rejects.toMatchObject({ code: 'ask/timeout', address: 'kettle/1', details: { timeoutMs: 100 } })
    let outcome = 'waiting'
    const long = actor.waitFor({ tag: 'hot' }).catch((error: { code: string }) => (outcome = error.code))
    await world.advance(100)
    await short
    await world.advance(29_899)
    expect(outcome).toBe('waiting')
    await world.advance(1)
    await long
    expect(outcome).toBe('ask/timeout')
  })

  test.each([['END', 'actor/ended'], ['BREAK', 'actor/failed']] as const)('is told when the actor ends before: %s', async (type, code) => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('kettle', '1')
    await actor.start()
    const waiting = expect(actor.waitFor({ tag: 'hot' })).rejects.toMatchObject({ code, address: 'kettle/1' })
    await actor.send({ type })
    await waiting
    await expect(actor.waitFor({ tag: 'hot' })).rejects.toMatchObject({ code })
  })

  test('of an actor that nobody started says so', async () => {
    await using world = await createTestWorld({ machines })
    await expect(world.runtime.actor('kettle', '1').waitFor({ tag: 'hot' })).rejects.toMatchObject({ code: 'actor/unknown', address: 'kettle/1' })
  })

  test('hands on what the predicate throws', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('kettle', '1')
    await actor.start()
    await expect(actor.waitFor(() => { throw new Error('no idea') })).rejects.toThrow('no idea')
    const later = expect(actor.waitFor(({ seq }) => { if (seq > 1) throw new Error('still none'); return false })).rejects.toThrow('still none')
    await actor.send({ type: 'HEAT', by: 1 })
    await later
    await actor.send({ type: 'HEAT', by: 1 })
  })
})
