import { SimulatedClock, createActor, setup } from 'xstate'
import type { AnyEventObject } from 'xstate'
import { expect, test } from 'vitest'
import { debounce } from '../../machines/index.ts'
import type { DebounceInput } from '../../machines/index.ts'
import { expectEveryTransition } from '../support/machine-paths.ts'

const put = (value: unknown) => ({ type: 'debounce.put', value }) as const

/** A debounce whose parent notes what it gets. */
function open(times: Partial<DebounceInput> = {}) {
  const clock = new SimulatedClock()
  const got: unknown[] = []
  const parent = setup({ types: { events: {} as AnyEventObject }, actors: { debounce } }).createMachine({
    invoke: { id: 'debounce', src: 'debounce', input: { event: { type: 'save' }, silenceMs: 100, ...times } },
    on: { save: { actions: ({ event }) => void got.push([(event as { readonly value?: unknown }).value, (event as { readonly count?: unknown }).count]) } },
  })
  const actor = createActor(parent, { clock }).start()
  return { clock, got, send: (event: ReturnType<typeof put> | { readonly type: 'debounce.flush' | 'debounce.end' }) => actor.getSnapshot().children['debounce']?.send(event) }
}

test('every transition of a debounce is taken', () => {
  const explore = ({ context }: { readonly context: { readonly count: number } }): boolean => context.count < 3
  expectEveryTransition(debounce, { input: { event: { type: 'save' }, to: 'editor/1' }, events: [put(1), { type: 'debounce.flush' }, { type: 'debounce.end' }], explore })
})

test('after silence the last value is handed on, with how many there were', () => {
  const { clock, got, send } = open()
  for (const value of ['a', 'b', 'c']) {
    send(put(value))
    clock.increment(99)
  }
  expect(got).toEqual([])
  clock.increment(1)
  expect(got).toEqual([['c', 3]])
})

test('after the longest wait it is handed on though more keep coming', () => {
  const { clock, got, send } = open({ waitMaxMs: 250 })
  for (let value = 1; value <= 6; value++) {
    send(put(value))
    clock.increment(90)
  }
  expect(got).toEqual([[3, 3], [6, 3]])
})

test('it is flushed and ended by hand, and hands on nothing when it has nothing', () => {
  const { clock, got, send } = open()
  send({ type: 'debounce.flush' })
  send(put(1))
  send({ type: 'debounce.flush' })
  clock.increment(1_000)
  send(put(2))
  send({ type: 'debounce.end' })
  expect(got).toEqual([[1, 1], [2, 1]])
})
