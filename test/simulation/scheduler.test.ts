import { createSeededRandom } from 'troupe/testing'
import { expect, test } from 'vitest'
import { Scheduler } from './scheduler.ts'
import type { SimProcess } from './scheduler.ts'
import { SimClock } from './sim-clock.ts'

const createProcess = (): SimProcess => ({ name: 'n0', state: 'up', held: [] })
const forever = (): boolean => false

test('events run in the order of their time, each with all that it causes', async () => {
  const scheduler = new Scheduler(createSeededRandom(1))
  const seen: string[] = []
  scheduler.at(20, undefined, 'second', () => void seen.push('second'))
  scheduler.at(10, undefined, 'first', () => {
    void (async () => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
      seen.push('first')
      scheduler.after(5, undefined, 'between', () => void seen.push('between'))
    })()
  })
  await scheduler.run(forever)
  expect(seen).toEqual(['first', 'between', 'second'])
  expect(scheduler.now).toBe(20)
})

test('a seed decides who goes first at the same time', async () => {
  const orderOf = async (seed: number): Promise<string> => {
    const scheduler = new Scheduler(createSeededRandom(seed))
    let order = ''
    for (const name of 'abcdefgh') scheduler.at(1, undefined, name, () => void (order += name))
    await scheduler.run(forever)
    return order
  }
  expect(await orderOf(7)).toBe(await orderOf(7))
  expect(new Set(await Promise.all([1, 2, 3, 4].map(orderOf))).size).toBeGreaterThan(1)
})

test('of a dead process nothing runs any more, of a paused one everything later and in order', async () => {
  const scheduler = new Scheduler(createSeededRandom(3))
  const [dead, paused] = [createProcess(), createProcess()]
  const seen: string[] = []
  for (const [index, process] of [dead, paused].entries()) for (const at of [10, 20, 30]) scheduler.at(at, process, 'work', () => void seen.push(`${index} ${at}`))
  scheduler.at(15, undefined, 'faults', () => {
    dead.state = 'dead'
    paused.state = 'paused'
  })
  scheduler.at(100, undefined, 'thaw', () => {
    paused.state = 'up'
    scheduler.thaw(paused)
  })
  await scheduler.run(forever)
  expect(seen.toSorted()).toEqual(['0 10', '1 10', '1 20', '1 30'])
  expect(seen.slice(-2)).toEqual(['1 20', '1 30'])
  expect(scheduler.now).toBe(100)
})

test('a timer is never early by the clock it was set on, however fast that one runs', async () => {
  const scheduler = new Scheduler(createSeededRandom(4))
  for (const rate of [0.98, 1, 1.02, 1.0007]) {
    const clock = new SimClock(scheduler, { offsetMs: 1_234.5, rate })
    const port = clock.portOf(createProcess())
    for (const ms of [0, 1, 7, 333, 1_000]) {
      const due = port.now() + ms
      port.setTimer(() => expect(port.now()).toBeGreaterThanOrEqual(due), ms)
    }
  }
  await scheduler.run(forever)
})

test('a clock that is set forward or back goes on from there', async () => {
  const scheduler = new Scheduler(createSeededRandom(5))
  const clock = new SimClock(scheduler)
  const before = clock.now()
  clock.step(-500)
  expect(clock.now()).toBe(before - 500)
  scheduler.at(1_000, undefined, 'later', () => clock.set(0))
  await scheduler.run(forever)
  expect(clock.now()).toBe(before + 1_000)
})
