import { priorities, turnOf } from '../core/queue.ts'
import type { Priority, QueueSettings } from '../core/queue.ts'

/** What waits under one key, oldest first; a set, because one may be called off from the middle. */
interface Line<T> {
  readonly key: string
  readonly items: Set<T>
  /** Virtual time at which its first is due. */
  tag: number
  /** Whether it is among those that may be taken from. */
  isReady: boolean
}

/**
 * A queue in this process: bounded at once in all and per key, by priority, and fair between keys by start-time fair
 * queueing (Goyal, Vin, Cheng: "Start-time Fair Queueing", SIGCOMM 1996): each key has a virtual time that goes on by
 * 1/weight with each of its tasks, and the key whose time is least is next. The Redis store does the same in Lua.
 */
export class FairQueue<T> {
  readonly #settings: QueueSettings
  readonly #lanes: Readonly<Record<Priority, Lane<T>>>
  readonly #activeOf = new Map<string, number>()
  #active = 0
  #taken = 0

  constructor(settings: QueueSettings) {
    this.#settings = settings
    const weightOf = (key: string): number => (Object.hasOwn(settings.weights, key) ? (settings.weights[key] as number) : 1)
    this.#lanes = { high: new Lane(weightOf), medium: new Lane(weightOf), low: new Lane(weightOf) }
  }

  push(item: T, key: string, priority: Priority): void {
    this.#lanes[priority].push(item, key)
  }

  delete(item: T, key: string, priority: Priority): void {
    this.#lanes[priority].delete(item, key)
  }

  /** Takes the next one, if there is one and a place for it. */
  take(): T | undefined {
    const { concurrency, total } = this.#settings
    if (this.#active >= Math.min(concurrency, total)) return undefined
    for (const priority of turnOf(this.#taken)) {
      const taken = this.#lanes[priority].take(key => this.#hasPlace(key))
      if (!taken) continue
      this.#taken++
      this.#active++
      this.#activeOf.set(taken.key, (this.#activeOf.get(taken.key) ?? 0) + 1)
      return taken.item
    }
    return undefined
  }

  /** Gives back the place of one that was taken. */
  free(key: string): void {
    this.#active--
    const active = (this.#activeOf.get(key) ?? 1) - 1
    if (active === 0) this.#activeOf.delete(key)
    else this.#activeOf.set(key, active)
    for (const priority of priorities) this.#lanes[priority].ready(key)
  }

  #hasPlace(key: string): boolean {
    return (this.#activeOf.get(key) ?? 0) < this.#settings.perKey
  }

  get active(): number {
    return this.#active
  }

  waiting(priority: Priority): number {
    return this.#lanes[priority].size
  }

  /** What waits and runs per key. */
  keys(): ReadonlyMap<string, { readonly waiting: number; readonly active: number }> {
    const keys = new Map([...this.#activeOf].map(([key, active]) => [key, { waiting: 0, active }]))
    for (const priority of priorities) {
      for (const [key, waiting] of this.#lanes[priority].waitingOf()) {
        const known = keys.get(key)
        keys.set(key, { waiting: waiting + (known?.waiting ?? 0), active: known?.active ?? 0 })
      }
    }
    return keys
  }
}

/** What waits at one priority. */
class Lane<T> {
  readonly #weightOf: (key: string) => number
  readonly #lines = new Map<string, Line<T>>()
  /** A binary heap of the lines that may be taken from, least tag first. */
  readonly #heap: Line<T>[] = []
  #now = 0
  size = 0

  constructor(weightOf: (key: string) => number) {
    this.#weightOf = weightOf
  }

  push(item: T, key: string): void {
    this.size++
    const line = this.#lines.get(key)
    if (line) return void line.items.add(item)
    this.#lines.set(key, { key, items: new Set([item]), tag: 0, isReady: false })
    this.ready(key)
  }

  delete(item: T, key: string): void {
    // A line that is empty now is dropped when its turn comes.
    if (this.#lines.get(key)?.items.delete(item)) this.size--
  }

  take(hasPlace: (key: string) => boolean): { readonly item: T; readonly key: string } | undefined {
    for (let line = this.#heap[0]; line; line = this.#heap[0]) {
      this.#removeFirst()
      line.isReady = false
      const [item] = line.items
      if (item === undefined) this.#lines.delete(line.key)
      else if (hasPlace(line.key)) {
        line.items.delete(item)
        this.size--
        this.#now = line.tag
        if (line.items.size === 0) this.#lines.delete(line.key)
        else this.ready(line.key)
        return { item, key: line.key }
      }
    }
    return undefined
  }

  /** It may be taken from again. Its time goes on from that of the others: what it could not take, it is not owed. */
  ready(key: string): void {
    const line = this.#lines.get(key)
    if (!line || line.isReady) return
    line.isReady = true
    line.tag = this.#now + 1 / this.#weightOf(key)
    this.#add(line)
  }

  *waitingOf(): Iterable<readonly [key: string, waiting: number]> {
    for (const { key, items } of this.#lines.values()) if (items.size > 0) yield [key, items.size]
  }

  #add(line: Line<T>): void {
    const heap = this.#heap
    let at = heap.push(line) - 1
    for (let above = (at - 1) >> 1; at > 0 && (heap[above] as Line<T>).tag > line.tag; above = (at - 1) >> 1) {
      heap[at] = heap[above] as Line<T>
      at = above
    }
    heap[at] = line
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && (heap[below + 1] as Line<T>).tag < (heap[below] as Line<T>).tag) below++
      if ((heap[below] as Line<T>).tag >= last.tag) break
      heap[at] = heap[below] as Line<T>
      at = below
    }
    heap[at] = last
  }
}
