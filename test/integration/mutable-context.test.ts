import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, fromTransition, setup } from 'xstate'
import { parseAddress } from '../../src/core/address.ts'

interface Board { rows: { cells: number[]; label: string }[]; log: string[]; size?: number; scores: Record<string, number> }
const board = setup({
  types: {
    context: {} as Board,
    events: {} as { type: 'SET'; row: number; cell: number; value: number } | { type: 'ADD' } | { type: 'CUT' } | { type: 'SORT' } | { type: 'SCORE'; who: string } | { type: 'FORGET'; who: string } | { type: 'SAY'; text: string } | { type: 'BREAK' } | { type: 'KEEP' },
  },
}).createMachine({
  context: () => ({ rows: [{ cells: [0, 0], label: 'a' }], log: [], scores: {} }),
  on: {
    SET: { actions: ({ context, event }) => { const row = context.rows[event.row]; if (row) row.cells[event.cell] = event.value } },
    ADD: { actions: ({ context }) => context.rows.push({ cells: [], label: `r${context.rows.length}` }) },
    CUT: { actions: ({ context }) => { context.rows.shift(); context.size = context.rows.length } },
    SORT: { actions: ({ context }) => context.rows.reverse() },
    SCORE: { actions: ({ context, event }) => { context.scores[event.who] = (context.scores[event.who] ?? 0) + 1 } },
    FORGET: { actions: ({ context, event }) => { delete context.scores[event.who] } },
    SAY: { actions: assign({ log: ({ context, event }) => { context.log.push(event.text); return context.log } }) },
    BREAK: { actions: ({ context }) => { context.rows = []; throw new Error('and then it fell') } },
    KEEP: {},
  },
})
const machines = { board: { machine: board, mutableContext: true } }

const script = [
  { type: 'SET', row: 0, cell: 1, value: 7 }, { type: 'ADD' }, { type: 'SET', row: 1, cell: 0, value: 3 }, { type: 'SAY', text: 'x' }, { type: 'SORT' }, { type: 'SCORE', who: 'ann' }, { type: 'SCORE', who: 'bob' },
  { type: 'SCORE', who: 'ann' }, { type: 'FORGET', who: 'bob' }, { type: 'ADD' }, { type: 'CUT' }, { type: 'KEEP' }, { type: 'SAY', text: 'y' }, { type: 'SET', row: 0, cell: 0, value: 1 },
] as const

describe('a machine that changes its context in place, registered as such', () => {
  test('keeps every change, across a crash after each event', async () => {
    await using world = await createTestWorld({ machines })
    await using model = await createTestWorld({ machines })
    await world.runtime.actor('board', '1').start()
    await model.runtime.actor('board', '1').start()
    for (const event of script) {
      const expected = (await model.runtime.actor('board', '1').ask(event)).context
      await world.runtime.actor('board', '1').send(event)
      await world.crash()
      await world.restart()
      expect((await world.runtime.actor('board', '1').snapshot()).context).toEqual(expected)
    }
  })

  test('has the past that it had, and can be forked', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('board', '1')
    await actor.start()
    const seen: string[] = [JSON.stringify((await actor.snapshot()).context)]
    for (const event of script.slice(0, 12)) seen.push(JSON.stringify((await actor.ask(event)).context))
    for (const [index, text] of seen.entries()) expect((await actor.at(index + 1)).context).toEqual(JSON.parse(text))
    const fork = await actor.fork(4, 'fork')
    await fork.send({ type: 'SCORE', who: 'zoe' })
    expect((await actor.snapshot()).context.scores).not.toHaveProperty('zoe')
  })

  test('an event that throws half way leaves nothing of what it changed', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('board', '1')
    await actor.start()
    await actor.send({ type: 'ADD' })
    await expect(actor.ask({ type: 'BREAK' })).rejects.toMatchObject({ code: 'event/poisoned', cause: { message: 'and then it fell' } })
    expect((await actor.snapshot()).context.rows).toHaveLength(2)
  })

  test('a snapshot once given does not change with it', async () => {
    await using world = await createTestWorld({ machines })
    const actor = world.runtime.actor('board', '1')
    await actor.start()
    const before = await actor.snapshot()
    const asked = await actor.ask({ type: 'ADD' })
    await actor.send({ type: 'ADD' })
    await actor.send({ type: 'SCORE', who: 'ann' })
    expect(before.context.rows).toHaveLength(1)
    expect(asked.context).toMatchObject({ rows: [{}, {}], scores: {} })
  })

  test('an event that changes nothing writes no change', async () => {
    const store = createMemoryStore()
    await using world = await createTestWorld({ machines, store })
    const actor = world.runtime.actor('board', '1')
    await actor.start()
    await actor.send({ type: 'ADD' })
    await actor.send({ type: 'KEEP' })
    expect((await actor.history()).map(({ delta }) => delta === undefined)).toEqual([true, false, true])
    const rows = (await store.load(parseAddress('board/1')))?.rows.map(({ data }) => data.length) ?? []
    expect(rows.at(-1)).toBeLessThan(200)
  })
})

test('without saying so the same machine is told which path it has changed, at its first slip', async () => {
  await using world = await createTestWorld({ machines: { board } })
  const actor = world.runtime.actor('board', '1')
  await actor.start()
  const paths = new Map([['ADD', 'context.rows[1]'], ['SORT', undefined], ['CUT', 'context.rows[0]'], ['SAY', 'context.log[0]']])
  await expect(actor.ask({ type: 'SET', row: 0, cell: 1, value: 7 })).rejects.toMatchObject({ cause: { code: 'context/mutated', address: 'board/1', details: { path: 'context.rows[0].cells[1]' } } })
  await expect(actor.ask({ type: 'ADD' })).rejects.toMatchObject({ cause: { code: 'context/mutated', details: { path: paths.get('ADD') } } })
  await expect(actor.ask({ type: 'SCORE', who: 'ann' })).rejects.toMatchObject({ cause: { code: 'context/mutated', details: { path: 'context.scores.ann' } } })
  await expect(actor.ask({ type: 'SAY', text: 'x' })).rejects.toMatchObject({ cause: { code: 'context/mutated', details: { path: paths.get('SAY') } } })
  expect(await actor.snapshot()).toMatchObject({ seq: 5, status: 'active', context: { rows: [{ cells: [0, 0] }], log: [], scores: {} } })
})

test('transition logic that changes its state in place may do so too', async () => {
  const list = fromTransition((state: { items: number[] }, event: { type: 'PUT'; item: number }) => { state.items.push(event.item); return state }, () => ({ items: [] as number[] }))
  await using world = await createTestWorld({ machines: { list: { machine: list, mutableContext: true } } })
  await world.runtime.actor('list', '1').start()
  for (const item of [1, 2, 3]) await world.runtime.actor('list', '1').send({ type: 'PUT', item })
  await world.crash()
  await world.restart()
  expect((await world.runtime.actor('list', '1').snapshot()).context).toEqual({ items: [1, 2, 3] })
})

test('typed arrays may be changed in place in any machine', async () => {
  const vector = setup({ types: { context: {} as { values: Float64Array; n: number }, events: {} as { type: 'SET'; at: number; value: number } | { type: 'TICK' } } }).createMachine({
    context: () => ({ values: new Float64Array(4), n: 0 }),
    on: { SET: { actions: ({ context, event }) => { context.values[event.at] = event.value } }, TICK: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
  })
  await using world = await createTestWorld({ machines: { vector } })
  await world.runtime.actor('vector', '1').start()
  for (const at of [0, 2]) {
    await world.runtime.actor('vector', '1').send({ type: 'SET', at, value: at + 0.5 })
    await world.runtime.actor('vector', '1').send({ type: 'TICK' })
    await world.crash()
    await world.restart()
  }
  expect((await world.runtime.actor('vector', '1').snapshot()).context).toEqual({ values: new Float64Array([0.5, 0, 2.5, 0]), n: 2 })
})
