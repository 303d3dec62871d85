import { expect, test } from 'vitest'
import { actorId } from '../../src/core/address.ts'
import { Lanes } from '../../src/host/lanes.ts'
import type { Work } from '../../src/host/work.ts'

const idOf = (key: string) => actorId({ tenant: 'default', machine: 'm', key })
let count = 0
const work = (key: string, at = 0): Work => ({ message: { id: `${++count}`, to: idOf(key), from: null, at, body: { kind: 'stop' }, correlation: '', causation: null } })
const keysOf = (works: readonly Work[]): string => works.map(({ message }) => message.to.at(-1)).join('')

test('works of one actor stay in order, and a busy actor lets the others in', () => {
  const lanes = new Lanes()
  const busy = Array.from({ length: 100 }, () => work('a'))
  for (const one of busy) lanes.push(one)
  lanes.push(work('b'))
  expect(lanes.size).toBe(101)
  const first = lanes.take(70)
  expect(keysOf(first)).toBe(`${'a'.repeat(64)}b`.padEnd(70, 'a'))
  expect(first.filter(({ message }) => message.to === idOf('a'))).toEqual(busy.slice(0, 69))
  expect(lanes.size).toBe(31)
  expect(lanes.take(1_000)).toEqual(busy.slice(69))
  expect(lanes.take(1)).toEqual([])
})

test('what is put back comes before what waits', () => {
  const lanes = new Lanes()
  const [one, two, three, other] = [work('a'), work('a'), work('a'), work('b')]
  lanes.push(three)
  lanes.putBack([one, two, other])
  expect(lanes.size).toBe(4)
  expect(lanes.take(2)).toEqual([one, two])
  expect(lanes.take(10)).toEqual([other, three])
})

test('only the last push can be taken back', () => {
  const lanes = new Lanes()
  const [one, two] = [work('a'), work('a')]
  expect(lanes.push(one)).toBe(1)
  expect(lanes.push(two)).toBe(2)
  lanes.takeBack(one)
  expect(lanes.size).toBe(2)
  lanes.takeBack(two)
  lanes.takeBack(one)
  expect(lanes.size).toBe(0)
  lanes.takeBack(one)
  expect(lanes.take(1)).toEqual([])
})

test('the oldest work and the drain', () => {
  const lanes = new Lanes()
  expect(lanes.oldestAt()).toBeUndefined()
  lanes.push(work('a', 30))
  lanes.push(work('b', 10))
  lanes.push(work('c', 20))
  expect(lanes.oldestAt()).toBe(10)
  expect(keysOf(lanes.drain())).toBe('abc')
  expect(lanes.size).toBe(0)
})

test('what has begun goes before births, which get their share all the same', () => {
  const lanes = new Lanes()
  const birth = (key: string): Work => ({ message: { ...work(key).message, body: { kind: 'start', input: 'null' } } })
  const [born, after] = [birth('n'), work('n')]
  lanes.push(born)
  lanes.push(after)
  for (let index = 0; index < 100; index++) lanes.push(work(`b${index}`))
  expect(lanes.take(8)).toHaveLength(8)
  expect(lanes.size).toBe(94)
  const rest = lanes.take(1_000)
  expect(lanes.size).toBe(0)
  const order = [born, after].map(one => rest.indexOf(one))
  expect(order).toEqual([-1, 93])
})
