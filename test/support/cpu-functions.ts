/** What tests have computed on the pool. */
import { appendFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { TroupeError } from 'troupe'
import { move } from 'troupe/workers'
import type { CpuScope } from 'troupe/workers'
import { cpusAllowed } from '../../src/workers/cpu-list.ts'

export const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

/** Computes for a time; gives the thread it ran on. */
export function spin(ms: number): number {
  const until = performance.now() + ms
  while (performance.now() < until);
  return threadId
}

/** Counts for ever, where the caller can see it. */
export function count(shared: Int32Array): never {
  for (;;) Atomics.add(shared, 0, 1)
}

/** Computes until it is let go; says before that it has begun. */
export function hold(gate: Int32Array): number {
  Atomics.add(gate, 0, 1)
  while (Atomics.load(gate, 1) === 0);
  return threadId
}

export const whereAmI = (ms: number): { readonly thread: number; readonly cpus: readonly number[] | undefined } => ({ thread: spin(ms), cpus: cpusAllowed() })

export function double(numbers: Float64Array<ArrayBuffer>) {
  return move(numbers.map(number => number * 2), [])
}

/** Doubles in place: what it gives back is the memory it got. */
export function doubleInPlace(numbers: Float64Array<ArrayBuffer>) {
  numbers.forEach((number, index) => (numbers[index] = number * 2))
  return move(numbers, [numbers.buffer])
}

let kept = new Float64Array(4)
/** Hands over the buffer of the last call's result; tells how long what it kept of it is after that. */
export function handOver() {
  const before = kept.length
  kept = new Float64Array(4)
  const given = kept
  return move({ before, given }, [given.buffer])
}
export const keptLength = (): number => kept.length

export function fail(what: string): never {
  if (what === 'troupe') throw new TroupeError('ask/timeout', 'no answer', { details: { asked: 'somebody' } })
  throw Object.assign(new RangeError(what), { code: 'TOO_FAR' })
}

export function exit(code: number): never {
  process.exit(code)
}

export async function throwOutside(): Promise<never> {
  setImmediate(() => {
    throw new Error('nobody catches this')
  })
  return new Promise<never>(() => undefined)
}

export async function throwNull(): Promise<never> {
  setImmediate(() => {
    throw null
  })
  return new Promise<never>(() => undefined)
}

export function fillHeap(): never {
  const all: unknown[] = []
  for (;;) {
    const some: unknown[] = []
    for (let index = 0; index < 1000; index++) some.push({ index })
    all.push(some)
  }
}

export const giveFunction = (): unknown => () => 1

/** Tells of itself, then dies on its first attempts as `deaths` says. */
export function dieAtFirst({ deaths, how }: { readonly deaths: number; readonly how: 'exit' | 'memory' | 'throw' }, { attempt }: CpuScope): number {
  if (attempt > deaths) return attempt
  if (how === 'exit') process.exit(9)
  if (how === 'memory') fillHeap()
  throw new Error(`attempt ${attempt} fails`)
}

/** Goes on from its checkpoint: dies in the middle of the first attempt. */
export function goOn(_input: null, { attempt, checkpoint, heartbeat, progress }: CpuScope) {
  if (attempt === 1) {
    heartbeat({ done: 3 })
    progress('three of five')
    // Long enough that what it has said is heard: then it dies.
    spin(200)
    process.exit(1)
  }
  return { attempt, checkpoint }
}

/** Writes down that it has begun; on the first attempt it then computes for ever. */
export function logAndHang({ log }: { readonly log: string }, { attempt, idempotencyKey }: CpuScope): { readonly attempt: number; readonly idempotencyKey: string } {
  appendFileSync(log, `${JSON.stringify({ attempt, idempotencyKey })}\n`)
  for (let turns = 0; attempt === 1; turns++);
  return { attempt, idempotencyKey }
}

export const sumOf = ({ numbers }: { readonly numbers: Float32Array }) => ({ sum: numbers.reduce((sum, number) => sum + number, 0), squares: numbers.map(number => number ** 2) })
