import { createRuntime } from 'troupe'
import type { Runtime, RuntimeOptions } from 'troupe'
import { expect } from 'vitest'
import type { InputOf, OutputOf } from '../../src/core/client/client.ts'
import { counters } from './follow-machines.ts'

type Item = OutputOf<'follow'>
export type Step = Extract<Item, { type: 'step' }>['step']
type Steps = { readonly steps: Step[]; readonly items: Item[]; stop(): Promise<void> }

export const open = (store: RuntimeOptions['store'], options: Partial<RuntimeOptions> = {}) => createRuntime({ machines: counters, store, ...options }) as Promise<Runtime<typeof counters>>

/** Follows in the background, once it stands at its place. */
export async function follow(runtime: Runtime<typeof counters>, input: InputOf<'follow'> = {}): Promise<Steps> {
  const left = new AbortController()
  const items: Item[] = []
  const steps: Step[] = []
  const stream = runtime.client().follow(input, { signal: left.signal })[Symbol.asyncIterator]()
  const first = await stream.next()
  if (!first.done) items.push(first.value)
  const reading = (async () => {
    for (let next = await stream.next(); !next.done; next = await stream.next()) {
      items.push(next.value)
      if (next.value.type === 'step') steps.push(next.value.step)
    }
  })()
  return { steps, items, stop: () => (left.abort(), reading) }
}

/** Reads a number of steps and leaves. */
export async function take(runtime: Runtime<typeof counters>, count: number, input: InputOf<'follow'>): Promise<Step[]> {
  const steps: Step[] = []
  if (count === 0) return steps
  for await (const item of runtime.client().follow(input)) {
    if (item.type === 'step') steps.push(item.step)
    if (steps.length === count) break
  }
  return steps
}

export const cursorOf = async (runtime: Runtime<typeof counters>): Promise<string> => {
  for await (const item of runtime.client().follow({})) if (item.type === 'cursor') return item.cursor
  throw new Error('a stream without a cursor')
}
export const places = (steps: readonly Step[]): readonly string[] => steps.map(({ address, seq }) => `${address} ${seq}`)

/** Each actor's steps in their order, none twice, none missing. */
export function expectWhole(steps: readonly Pick<Step, 'address' | 'seq'>[], lastSeqs: Readonly<Record<string, number>>): void {
  const byActor = Object.groupBy(steps, ({ address }) => address)
  const expected = Object.fromEntries(Object.entries(lastSeqs).map(([address, last]) => [address, Array.from({ length: last }, (_, index) => index + 1)]))
  expect(Object.fromEntries(Object.entries(byActor).map(([address, own]) => [address, own?.map(({ seq }) => seq)]))).toEqual(expected)
}
