import { describe, expect, test } from 'vitest'
import { createTestWorld, assertSnapshot } from 'troupe/testing'
import { assign, fromPromise, setup } from 'xstate'
import { z } from 'zod'

const payEvent = z.object({ type: z.literal('PAY'), cents: z.number().int().positive() })

const order = setup({
  types: {
    context: {} as { cents: number; paid: number },
    input: {} as { cents: number },
    output: {} as { receipt: string },
    events: {} as { type: 'PAY'; cents: number } | { type: 'SHIP' } | { type: 'NOTE'; text: string } | { type: 'IGNORED' } | { type: 'LOUD' },
    tags: {} as 'unpaid' | 'packed',
  },
  guards: { enough: ({ context, event }) => event.type === 'PAY' && event.cents >= context.cents },
  actors: { label: fromPromise(async () => new Promise<never>(() => undefined)) },
}).createMachine({
  context: ({ input }) => ({ cents: input.cents, paid: 0 }),
  type: 'parallel',
  states: {
    money: {
      initial: 'open',
      states: {
        open: { tags: 'unpaid', on: { PAY: { guard: 'enough', target: 'paid', actions: assign({ paid: ({ event }) => event.cents }) } } },
        paid: { type: 'final' },
      },
    },
    goods: {
      initial: 'stock',
      states: {
        stock: { on: { SHIP: { target: 'packed' }, IGNORED: {} } },
        packed: { tags: 'packed', invoke: { id: 'label', src: 'label' }, on: { SHIP: { target: 'gone' } } },
        gone: { type: 'final' },
      },
    },
  },
  on: { NOTE: { actions: () => undefined }, LOUD: [{ guard: () => false, actions: () => undefined }, { actions: () => undefined }] },
  output: ({ context }) => ({ receipt: `paid ${context.paid}` }),
})
const machines = { order: { machine: order, events: { PAY: payEvent } } }

async function started() {
  const world = await createTestWorld({ machines })
  const actor = world.runtime.actor(order, '1')
  await actor.start({ cents: 100 })
  return { world, actor }
}

describe('a snapshot', () => {
  test('shows value, context, tags, status, sequence and address of the last committed step', async () => {
    const { world, actor } = await started()
    const snapshot = await actor.snapshot()
    expect(snapshot.toJSON()).toEqual({
      address: 'order/1', seq: 1, status: 'active', value: { money: 'open', goods: 'stock' }, context: { cents: 100, paid: 0 },
      output: undefined, tags: ['unpaid'], failure: undefined,
    })
    expect(snapshot.hasTag('unpaid')).toBe(true)
    expect(snapshot.hasTag('packed')).toBe(false)
    expect(snapshot.matches({ money: 'open' })).toBe(true)
    expect(snapshot.matches({ goods: 'packed' })).toBe(false)
    expect(snapshot.error).toBeUndefined()
    expect(snapshot.reply).toBeUndefined()
    await world.runtime.close()
  })

  test('stays as it was when the actor goes on', async () => {
    const { world, actor } = await started()
    const before = await actor.snapshot()
    await actor.send({ type: 'PAY', cents: 100 })
    await actor.send({ type: 'SHIP' })
    expect(before).toMatchObject({ seq: 1, value: { money: 'open', goods: 'stock' }, context: { paid: 0 } })
    expect([...before.tags]).toEqual(['unpaid'])
    expect(Object.keys(before.children)).toEqual([])
    expect(Object.keys((await actor.snapshot()).children)).toEqual(['label'])
    await world.runtime.close()
  })

  test('is the same before and after a restart', async () => {
    const { world, actor } = await started()
    await actor.send({ type: 'SHIP' })
    const before = (await actor.snapshot()).toJSON()
    await world.crash()
    await world.restart()
    const after = await world.runtime.actor(order, '1').snapshot()
    expect({ ...after.toJSON(), seq: before['seq'] }).toEqual(before)
    expect(after.children).toMatchObject({ label: { status: 'active' } })
    await world.runtime.close()
  })

  test('cannot be used to change the actor', async () => {
    const { world, actor } = await started()
    const { context } = await actor.snapshot()
    expect(() => Object.assign(context, { cents: 1 })).toThrow(TypeError)
    expect((await actor.ask({ type: 'PAY', cents: 99 })).matches({ money: 'open' })).toBe(true)
    await world.runtime.close()
  })

  test('of an actor that is done has its output', async () => {
    const { world, actor } = await started()
    await actor.send({ type: 'PAY', cents: 120 })
    await actor.send({ type: 'SHIP' })
    await actor.send({ type: 'SHIP' })
    const snapshot = await actor.snapshot()
    expect(snapshot).toMatchObject({ status: 'done', output: { receipt: 'paid 120' } })
    expect(snapshot.can({ type: 'PAY', cents: 100 })).toBe(false)
    expect(snapshot.nextEvents()).toEqual([])
    await world.runtime.close()
  })

  test('of an actor that nobody started does not exist', async () => {
    const { world } = await started()
    await expect(world.runtime.actor(order, '2').snapshot()).rejects.toMatchObject({ code: 'actor/unknown', address: 'order/2', status: 404 })
    await expect(world.runtime.actor(order, '2').nextEvents()).rejects.toMatchObject({ code: 'actor/unknown' })
    await world.runtime.close()
  })
})

describe('can', () => {
  test('asks the guards, and tells events that act from events that do not', async () => {
    const { world, actor } = await started()
    expect(await actor.can({ type: 'PAY', cents: 100 })).toBe(true)
    expect(await actor.can({ type: 'PAY', cents: 99 })).toBe(false)
    expect(await actor.can({ type: 'NOTE', text: '' })).toBe(true)
    expect(await actor.can({ type: 'IGNORED' })).toBe(false)
    expect(await actor.can({ type: 'SHIP' })).toBe(true)
    await world.runtime.close()
  })

  test('changes nothing and runs no action', async () => {
    const { world, actor } = await started()
    await actor.can({ type: 'PAY', cents: 100 })
    expect(await actor.snapshot()).toMatchObject({ seq: 1, context: { paid: 0 } })
    await world.runtime.close()
  })

  test('answers for a paused actor as for a running one', async () => {
    const { world, actor } = await started()
    await actor.pause()
    expect(await actor.can({ type: 'SHIP' })).toBe(true)
    expect((await actor.nextEvents()).length).toBeGreaterThan(0)
    await world.runtime.close()
  })
})

describe('nextEvents', () => {
  test('lists the legal events of all active states, and says where a guard decides', async () => {
    const { world, actor } = await started()
    expect((await actor.nextEvents()).map(({ type, guarded }) => `${type} ${guarded}`).sort()).toEqual(['LOUD false', 'NOTE false', 'PAY true', 'SHIP false'])
    await actor.send({ type: 'PAY', cents: 100 })
    expect((await actor.nextEvents()).map(({ type }) => type).sort()).toEqual(['LOUD', 'NOTE', 'SHIP'])
    await assertSnapshot(actor, { nextEvents: ['SHIP', 'NOTE', 'LOUD'] })
    await world.runtime.close()
  })

  test('never lists what the engine sends itself', async () => {
    const machine = setup({ actors: { work: fromPromise(() => new Promise<never>(() => undefined)) } }).createMachine({
      initial: 'a',
      states: { a: { always: { guard: () => false, target: 'b' }, after: { 1000: 'b' }, invoke: { src: 'work', onDone: 'b', onError: 'b' }, on: { GO: 'b' } }, b: {} },
    })
    await using world = await createTestWorld({ machines: { machine } })
    await world.runtime.actor(machine, '1').start()
    expect((await world.runtime.actor(machine, '1').nextEvents()).map(({ type }) => type)).toEqual(['GO'])
  })

  test('gives the schema of an event, also as JSON Schema', async () => {
    const { world, actor } = await started()
    const events = await actor.nextEvents()
    const pay = events.find(({ type }) => type === 'PAY')
    expect(pay?.schema).toBe(payEvent)
    expect(pay?.jsonSchema).toMatchObject({ type: 'object', required: ['type', 'cents'], properties: { type: { const: 'PAY' }, cents: { type: 'integer', exclusiveMinimum: 0 } } })
    expect(events.find(({ type }) => type === 'SHIP')).toEqual({ type: 'SHIP', guarded: false, schema: undefined, jsonSchema: undefined })
    await world.runtime.close()
  })

  test('describes what a sender has to give: defaults are optional, and what JSON Schema cannot say may be anything', async () => {
    const machine = setup({ types: { events: {} as { type: 'SET'; size?: number; when?: Date } } }).createMachine({ on: { SET: { actions: () => undefined } } })
    const events = { SET: z.object({ type: z.literal('SET'), size: z.number().default(1), when: z.date().optional() }) }
    await using world = await createTestWorld({ machines: { machine: { machine, events } } })
    await world.runtime.actor(machine, '1').start()
    const [set] = await world.runtime.actor(machine, '1').nextEvents()
    expect(set?.jsonSchema).toMatchObject({ required: ['type'], properties: { size: { type: 'number', default: 1 }, when: {} } })
  })
})

describe('schemas of events', () => {
  test('refuse what does not fit, naming each wrong part, and leave the actor alone', async () => {
    const { world, actor } = await started()
    await expect(actor.send({ type: 'PAY', cents: -1.5 })).rejects.toMatchObject({ code: 'event/invalid', address: 'order/1', message: expect.stringMatching(/PAY.*cents/) })
    await expect(actor.ask({ type: 'PAY' } as never)).rejects.toMatchObject({ code: 'event/invalid', message: expect.stringContaining('cents') })
    expect(await actor.snapshot()).toMatchObject({ seq: 1 })
    expect(await world.runtime.deadLetters.list()).toEqual([])
    await world.runtime.close()
  })

  test('name the event itself when the whole of it is wrong', async () => {
    const machine = setup({ types: { events: {} as { type: 'SET'; n: number } } }).createMachine({ on: { SET: { actions: () => undefined } } })
    await using world = await createTestWorld({ machines: { machine: { machine, events: { SET: z.strictObject({ type: z.literal('SET'), n: z.number() }) } } } })
    await world.runtime.actor(machine, '1').start()
    await expect(world.runtime.actor(machine, '1').send({ type: 'SET', n: 1, more: 2 } as never)).rejects.toMatchObject({ code: 'event/invalid', message: expect.stringMatching(/event 'SET': event: .*more/) })
  })

  test('may be given in the machine itself', async () => {
    const machine = setup({ types: { context: {} as { n: number }, events: {} as { type: 'SET'; n: number } }, schemas: { events: { SET: z.object({ type: z.literal('SET'), n: z.number() }), NONE: 'not a schema' } } }).createMachine({
      context: { n: 0 },
      on: { SET: { actions: assign({ n: ({ event }) => event.n }) } },
    })
    await using world = await createTestWorld({ machines: { machine } })
    const actor = world.runtime.actor(machine, '1')
    await actor.start()
    expect((await actor.nextEvents())[0]?.jsonSchema).toMatchObject({ properties: { n: { type: 'number' } } })
    await expect(actor.send({ type: 'SET', n: 'five' as never })).rejects.toMatchObject({ code: 'event/invalid' })
    expect((await actor.ask({ type: 'SET', n: 5 })).context.n).toBe(5)
  })

  test('what a schema fills in and converts is what the machine gets', async () => {
    const machine = setup({ types: { context: {} as { seen: unknown }, events: {} as { type: 'SET'; size?: number; name: string } } }).createMachine({
      context: { seen: null },
      on: { SET: { actions: assign({ seen: ({ event }) => event }) } },
    })
    const events = { SET: z.object({ size: z.number().default(1), name: z.string().trim() }) }
    await using world = await createTestWorld({ machines: { machine: { machine, events } } })
    const actor = world.runtime.actor(machine, '1')
    await actor.start()
    // The schema knows nothing of the type: it stays.
    expect((await actor.ask({ type: 'SET', name: '  x ' })).context.seen).toEqual({ type: 'SET', size: 1, name: 'x' })
  })
})
