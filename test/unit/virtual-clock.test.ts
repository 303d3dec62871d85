import { expect, test } from 'vitest'
import { createSeededRandom, createVirtualClock } from 'troupe/testing'

test('timers run in order of time, then of setting, each at its own time', async () => {
  const clock = createVirtualClock(1_000)
  const rang: [string, number][] = []
  const ring = (name: string) => () => void rang.push([name, clock.now()])
  clock.setTimer(ring('late'), 50)
  clock.setTimer(ring('first'), 10)
  clock.setTimer(ring('second'), 10)
  clock.setTimer(ring('past'), -5)
  clock.clearTimer(clock.setTimer(ring('never'), 20))
  clock.setTimer(() => void clock.setTimer(ring('nested'), 5), 10)
  await clock.advance(30)
  expect(rang).toEqual([['past', 1_000], ['first', 1_010], ['second', 1_010], ['nested', 1_015]])
  expect(clock.now()).toBe(1_030)
  await clock.advance(20)
  expect(rang.at(-1)).toEqual(['late', 1_050])
})

test('upkeep runs once per advance, at its end', async () => {
  const clock = createVirtualClock(0)
  const at: number[] = []
  const keep = () => void clock.setTimer(() => { at.push(clock.now()); keep() }, 10, 'upkeep')
  keep()
  await clock.advance(5)
  expect(at).toEqual([])
  await clock.advance(1_000)
  expect(at).toEqual([1_005])
})

test('what one timer causes has settled before the next one runs', async () => {
  const clock = createVirtualClock(0)
  const order: string[] = []
  clock.setTimer(() => void Promise.resolve().then(() => clock.soon(() => order.push('caused'))), 1)
  clock.setTimer(() => order.push('next'), 2)
  await clock.advance(2)
  expect(order).toEqual(['caused', 'next'])
})

test('the wall clock can be moved without running anything', () => {
  const clock = createVirtualClock(100)
  let rang = false
  clock.setTimer(() => (rang = true), 10)
  clock.step(1_000)
  clock.step(-2_000)
  expect([clock.now(), rang]).toEqual([-900, false])
})

test('a seed gives the same numbers and ids every time', () => {
  const draw = (seed: number) => { const random = createSeededRandom(seed); return [random.next(), random.next(), random.id()] }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  expect(draw(0)[2]).toMatch(/^[0-9a-f]{32}$/)
  const random = createSeededRandom(7)
  const numbers = Array.from({ length: 10_000 }, () => random.next())
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...numbers)).toBeLessThan(1)
  expect(numbers.reduce((sum, number) => sum + number, 0) / 10_000).toBeCloseTo(0.5, 1)
})
