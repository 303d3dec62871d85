import type { Random } from 'troupe'

/** Whose code an event runs: what is dead runs nothing, what is paused runs it later. */
export interface SimProcess {
  readonly name: string
  state: 'up' | 'paused' | 'dead'
  /** What came due while it was paused, in that order. */
  readonly held: SimEvent[]
}

export interface SimEvent {
  at: number
  /** Breaks ties of time: drawn, so that a seed decides who goes first. */
  tie: number
  readonly order: number
  readonly owner: SimProcess | undefined
  readonly label: string
  /** Undefined once it has run or was called off. */
  run: (() => void) | undefined
}

/**
 * The one time of a simulated world: events in the order of their virtual time, all that each of them causes without
 * time moving done before the next one begins. Nothing in it depends on the machine it runs on.
 *
 * D1  The same seed gives the same events in the same order, which `trace` sums up in one number.
 * D2  Of a dead process nothing runs any more; of a paused one nothing until it goes on, then all of it in order.
 */
export class Scheduler {
  /** Milliseconds since the world began. */
  now = 0
  /** Events that have run. */
  count = 0
  /** Hash of all that has run. */
  trace = 0x811c9dc5
  /** Whose code runs now, promises included. */
  current: SimProcess | undefined
  /** Told of each event, for a look at a single seed. */
  onEvent: ((event: SimEvent) => void) | undefined
  readonly #random: Random
  readonly #heap: SimEvent[] = []
  #order = 0

  constructor(random: Random) {
    this.#random = random
  }

  at(when: number, owner: SimProcess | undefined, label: string, run: () => void): SimEvent {
    const event: SimEvent = { at: Math.max(when, this.now), tie: this.#random.next(), order: this.#order++, owner, label, run }
    this.#push(event)
    return event
  }

  after(ms: number, owner: SimProcess | undefined, label: string, run: () => void): SimEvent {
    return this.at(this.now + ms, owner, label, run)
  }

  cancel(event: SimEvent): void {
    event.run = undefined
  }

  /** How many events a process has still to come. */
  pending(process: SimProcess): number {
    return this.#heap.reduce((count, { owner, run }) => (owner === process && run ? count + 1 : count), 0)
  }

  /** Lets a paused process do at once what it has missed. */
  thaw(process: SimProcess): void {
    for (const event of process.held.splice(0)) {
      event.at = this.now
      // Below every drawn tie: what waited goes first, in the order in which it came due.
      event.tie = -1
      this.#push(event)
    }
  }

  /** Runs events until there is nothing more to do. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      // From the event loop: inside a microtask no other one would run.
      setImmediate(() => {
        try {
          while (!isOver() && this.#step()) drain()
          resolve()
        } catch (error) {
          reject(error as Error)
        }
      })
    })
  }

  /** Runs the next event. False when there is none. */
  #step(): boolean {
    for (let event = this.#pop(); event; event = this.#pop()) {
      const { owner, run, at } = event
      if (!run || owner?.state === 'dead') continue
      this.now = at
      if (owner?.state === 'paused') {
        owner.held.push(event)
        continue
      }
      this.#note(event)
      event.run = undefined
      this.current = owner
      run()
      return true
    }
    return false
  }

  #note(event: SimEvent): void {
    const { label, at, owner } = event
    this.count++
    let hash = Math.imul(this.trace ^ Math.floor(at * 1_000), 0x01000193)
    for (let index = 0; index < label.length; index++) hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193)
    this.trace = Math.imul(hash ^ (owner ? owner.name.charCodeAt(1) : 0), 0x01000193)
    this.onEvent?.(event)
  }

  // ── a binary heap ─────────────────────────────────────────────────────────────────────────────────────────

  #push(event: SimEvent): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(event)
    while (index > 0) {
      const above = (index - 1) >>> 1
      const parent = heap[above] as SimEvent
      if (!isBefore(event, parent)) break
      heap[index] = parent
      index = above
    }
    heap[index] = event
  }

  #pop(): SimEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1] as SimEvent, heap[below] as SimEvent)) below++
      const child = heap[below] as SimEvent
      if (!isBefore(child, last)) break
      heap[index] = child
      index = below
    }
    heap[index] = last
    return first
  }
}

/**
 * What Node does after each callback of its own: all ticks and microtasks, those included that they queue themselves,
 * then the rejections that nobody handles. A turn of the event loop does the same for six times the price [measured:
 * 2.1 us against 0.3, of about 10 us for an event].
 */
function drain(): void {
  ;(process as unknown as { _tickCallback(): void })._tickCallback()
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  if (a.at !== b.at) return a.at < b.at
  return a.tie === b.tie ? a.order < b.order : a.tie < b.tie
}
