import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { priorities, resolveQueues } from '../../src/core/queue.ts'
import type { Priority, QueueOptions, QueueSettings } from '../../src/core/queue.ts'
import { FairQueue } from '../../src/host/fair-queue.ts'

const settingsOf = (options: QueueOptions = {}): QueueSettings => resolveQueues({ q: { concurrency: Infinity, ...options } }).get('q') as QueueSettings

interface Item {
  readonly key: string
  readonly priority: Priority
  readonly n: number
}

/** A queue whose items know where they stand. */
function queueOf(options?: QueueOptions) {
  const queue = new FairQueue<Item>(settingsOf(options))
  let n = 0
  return {
    queue,
    push(count: number, key: string, priority: Priority = 'medium') {
      const items = Array.from({ length: count }, () => ({ key, priority, n: n++ }))
      for (const item of items) queue.push(item, key, priority)
      return items
    },
    /** Takes and frees so many; tells how many there were of each. */
    shares(count: number, kindOf: (item: Item) => string = ({ key }) => key) {
      const shares = new Map<string, number>()
      for (let left = count; left > 0; left--) {
        const item = queue.take()
        if (!item) throw new Error(`the queue gave ${count - left} of ${count}`)
        shares.set(kindOf(item), (shares.get(kindOf(item)) ?? 0) + 1)
        queue.free(item.key)
      }
      return Object.fromEntries(shares)
    },
  }
}

describe('shares', () => {
  test('of every 16 taken 12 are of the highest priority that waits, 3 of the next and 1 of the last', () => {
    const { push, shares } = queueOf()
    for (const priority of priorities) push(40, 'k', priority)
    expect(shares(16, ({ priority }) => priority)).toEqual({ high: 12, medium: 3, low: 1 })
    expect(shares(32, ({ priority }) => priority)).toEqual({ high: 24, medium: 6, low: 2 })
    expect(shares(72, ({ priority }) => priority)).toEqual({ high: 4, medium: 31, low: 37 })
  })

  test('a key with a thousand waiting does not keep three others from theirs', () => {
    const { push, shares } = queueOf()
    push(1_000, 'noisy')
    for (const key of ['a', 'b', 'c']) push(60, key)
    expect(shares(200)).toEqual({ noisy: 50, a: 50, b: 50, c: 50 })
  })

  test('go by weight, and a key that comes late catches nothing up', () => {
    const { push, shares } = queueOf({ weights: { a: 3, b: 0.5 } })
    for (const key of ['a', 'b', 'c']) push(300, key)
    expect(shares(180)).toEqual({ a: 120, b: 20, c: 40 })
    push(100, 'late')
    const { late, a } = shares(110)
    expect(late).toBeGreaterThanOrEqual(19)
    expect(late).toBeLessThanOrEqual(21)
    expect(a).toBeGreaterThanOrEqual(58)
  })

  test('a key that was held up by its limit is owed nothing, nor does a newcomer profit', () => {
    const { queue, push, shares } = queueOf({ perKey: 2 })
    push(100, 'slow')
    for (let places = 0; places < 2; places++) expect(queue.take()?.key).toBe('slow')
    for (const key of ['a', 'b']) push(100, key)
    expect(shares(60)).toEqual({ a: 30, b: 30 })
    queue.free('slow')
    // One of it, which used to turn the time back to where it was held up.
    shares(3)
    push(100, 'fresh')
    const { slow, fresh } = shares(40)
    expect([slow, fresh]).toEqual([10, 10])
    queue.free('slow')
  })

  test('a key may be called anything', () => {
    const { push, shares } = queueOf({ weights: { toString: 3 } })
    for (const key of ['toString', 'constructor', '__proto__', '']) push(60, key)
    expect(Object.values(shares(60)).toSorted((a, b) => a - b)).toEqual([10, 10, 10, 30])
  })
})

describe('bounds', () => {
  test('no more than concurrency and total at once, and no more than perKey of one key', () => {
    const { queue, push } = queueOf({ concurrency: 4, total: 3, perKey: 2 })
    push(5, 'a')
    expect([queue.take()?.n, queue.take()?.n, queue.take()]).toEqual([0, 1, undefined])
    push(5, 'b')
    expect([queue.take()?.key, queue.take()]).toEqual(['b', undefined])
    queue.free('a')
    expect([queue.take()?.n, queue.take()]).toEqual([6, undefined].map((n, index) => (index === 0 ? expect.any(Number) : n)))
    expect(queue.active).toBe(3)
    expect(queue.waiting('medium')).toBe(6)
    expect([...queue.keys().values()].reduce((sum, { waiting, active }) => sum + waiting + active, 0)).toBe(9)
  })
})

const KEYS = ['a', 'b', 'c', 'd'] as const
const weightOf = (weights: Readonly<Record<string, number>>, key: string): number => weights[key] ?? 1

const operations = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), key: fc.constantFrom(...KEYS), priority: fc.constantFrom(...priorities), count: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('free' as const), count: fc.integer({ min: 1, max: 8 }), at: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('serve' as const), count: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), at: fc.nat() }) },
  ),
  { minLength: 1, maxLength: 120 },
)
const limits = fc.record({
  total: fc.constantFrom(1, 3, 8, Infinity),
  perKey: fc.constantFrom(1, 2, 5, Infinity),
  weights: fc.record({ a: fc.constantFrom(1, 2, 5), b: fc.constantFrom(0.25, 1) }),
})

/** What a queue may do, told as simply as can be: which items may be next, and what each key has had. */
class Model {
  readonly waiting: Item[] = []
  readonly running: Item[] = []
  /** What each key was given at each priority since both it and another were able to take: by `priority key other`. */
  readonly #given = new Map<string, number>()
  readonly #options: QueueOptions & { readonly weights: Readonly<Record<string, number>> }

  constructor(options: Model['options']) {
    this.#options = options
  }

  get options() {
    return this.#options
  }

  isEligible(key: string, priority: Priority): boolean {
    const { perKey = Infinity } = this.#options
    return this.running.filter(item => item.key === key).length < perKey && this.waiting.some(item => item.key === key && item.priority === priority)
  }

  mayTake(): boolean {
    const { total = Infinity } = this.#options
    return this.running.length < total && this.waiting.some(({ key, priority }) => this.isEligible(key, priority))
  }

  take(item: Item): void {
    expect(this.mayTake()).toBe(true)
    expect(this.isEligible(item.key, item.priority)).toBe(true)
    // The oldest of its key and priority.
    expect(this.waiting.find(({ key, priority }) => key === item.key && priority === item.priority)).toBe(item)
    this.waiting.splice(this.waiting.indexOf(item), 1)
    this.running.push(item)
    for (const other of KEYS) this.#given.set(`${item.priority} ${item.key} ${other}`, this.given(item.priority, item.key, other) + 1)
  }

  given(priority: Priority, key: string, other: string): number {
    return this.#given.get(`${priority} ${key} ${other}`) ?? 0
  }

  /** Where one of two cannot take, what the other one is given counts for nothing. */
  forgetUnequal(): void {
    for (const priority of priorities) {
      const able = new Set(KEYS.filter(key => this.isEligible(key, priority)))
      for (const key of KEYS) for (const other of KEYS) if (!able.has(key) || !able.has(other)) this.#given.delete(`${priority} ${key} ${other}`)
    }
  }

  /** Start-time fair queueing, theorem 1: two keys that both can take differ by no more than one task each, by weight. */
  expectFair(): void {
    for (const priority of priorities) {
      for (const key of KEYS) {
        for (const other of KEYS) {
          const [mine, theirs] = [weightOf(this.#options.weights, key), weightOf(this.#options.weights, other)]
          const lead = this.given(priority, key, other) / mine - this.given(priority, other, key) / theirs
          expect(lead, `lead of ${key} over ${other} at ${priority}`).toBeLessThanOrEqual(1 / mine + 1 / theirs + 1e-9)
        }
      }
    }
  }
}

test('whatever is put, taken, freed and called off: nothing is lost, early, above a limit, out of order or beyond its share', () => {
  fc.assert(
    fc.property(limits, operations, (options, plan) => {
      const { queue, push } = queueOf(options)
      const model = new Model(options)
      for (const operation of plan) {
        if (operation.do === 'push') model.waiting.push(...push(operation.count, operation.key, operation.priority))
        if (operation.do === 'delete' && model.waiting.length > 0) {
          const [item] = model.waiting.splice(operation.at % model.waiting.length, 1) as [Item]
          queue.delete(item, item.key, item.priority)
        }
        for (let count = 0; operation.do === 'free' && count < operation.count && model.running.length > 0; count++) {
          const [item] = model.running.splice(operation.at % model.running.length, 1) as [Item]
          queue.free(item.key)
        }
        model.forgetUnequal()
        for (let count = 0; (operation.do === 'take' || operation.do === 'serve') && count < operation.count; count++) {
          const item = queue.take()
          if (!item) {
            expect(model.mayTake()).toBe(false)
            break
          }
          model.take(item)
          model.expectFair()
          if (operation.do === 'serve') {
            queue.free(item.key)
            model.running.splice(model.running.indexOf(item), 1)
          }
          model.forgetUnequal()
        }
        expect(queue.active).toBe(model.running.length)
        for (const priority of priorities) expect(queue.waiting(priority)).toBe(model.waiting.filter(item => item.priority === priority).length)
      }
    }),
    { numRuns: 300 },
  )
})
