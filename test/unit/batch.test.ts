import { SimulatedClock, createActor, setup } from 'xstate'
import type { AnyEventObject } from 'xstate'
import { expect, test } from 'vitest'
import { batch } from '../../machines/index.ts'
import type { BatchInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const add = (item: unknown) => ({ type: 'batch.add', item }) as const

/** A batch whose parent notes what it gets. */
function open(limits: Partial<BatchInput> = {}) {
  const clock = new SimulatedClock()
  const got: unknown[] = []
  const parent = setup({ types: { events: {} as AnyEventObject }, actors: { batch } }).createMachine({
    invoke: { id: 'batch', src: 'batch', input: { event: { type: 'index' }, ...limits } },
    on: { index: { actions: ({ event }) => void got.push((event as { readonly items?: unknown }).items) } },
  })
  const actor = createActor(parent, { clock }).start()
  return { clock, got, send: (event: ReturnType<typeof add> | { readonly type: 'batch.flush' | 'batch.end' }) => actor.getSnapshot().children['batch']?.send(event), child: () => actor.getSnapshot().children['batch']?.getSnapshot() as { readonly status: string; readonly output?: unknown } }
}

test('every transition of a batch is taken', () => {
  const explore = ({ context }: { readonly context: { readonly batches: number } }): boolean => context.batches < 2
  expectEveryTransition(batch, { input: { event: { type: 'index' }, to: 'indexer/1', countMax: 3, bytesMax: 8 }, events: [add(1), add('12345'), { type: 'batch.flush' }, { type: 'batch.end' }], explore })
})

test('a batch goes when it has enough items', () => {
  const { got, send } = open({ countMax: 2 })
  for (const item of [1, 2, 3]) send(add(item))
  expect(got).toEqual([[1, 2]])
})

test('a batch goes before it would be too large; what is larger goes alone', () => {
  const { got, send } = open({ bytesMax: 10 })
  for (const item of ['äöü', 'x', 'much too long for it', 'y']) send(add(item))
  expect(got).toEqual([['äöü'], ['x'], ['much too long for it']])
})

test('a batch goes when its first item has waited long enough, counted anew for the next', () => {
  const { clock, got, send } = open({ waitMs: 100 })
  send(add(1))
  clock.increment(60)
  send(add(2))
  clock.increment(40)
  send(add(3))
  clock.increment(99)
  expect(got).toEqual([[1, 2]])
  clock.increment(1)
  expect(got).toEqual([[1, 2], [3]])
})

test('it is flushed and ended by hand, and hands on nothing when it has nothing', () => {
  const { got, send, child } = open()
  send({ type: 'batch.flush' })
  send(add(null))
  send({ type: 'batch.flush' })
  send(add(2))
  send({ type: 'batch.end' })
  expect(got).toEqual([[null], [2]])
  expect(child()).toMatchObject({ status: 'done', output: { batches: 2 } })
})
