import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { createSeededRandom } from 'troupe/testing'
import { setup } from 'xstate'
import { hashText } from '../../../src/core/hash.ts'
import type { Effect } from '../faults/machines.ts'

/** What may befall a piece of work: it is done, its task fails, its machine throws, it never answers, or it comes to nothing. */
const fates = ['fails', 'slips', 'hangs', 'comes to nothing'] as const
export type Fate = (typeof fates)[number] | 'is done'

/** Decides what befalls whom in one run, by the run's seed and the idempotency key of the work alone, and remembers what was done. */
export class Fortune {
  readonly effects: Effect[] = []
  /** What was done outside, in order, once per key. */
  readonly deeds: string[] = []
  readonly met = new Map<Fate, number>()
  readonly #seed: number
  readonly #badShare: number
  readonly #done = new Set<string>()

  constructor(seed: number, badShare: number) {
    this.#seed = seed
    this.#badShare = badShare
  }

  /** A task fails by attempt: the next one may do better. */
  fateOf(key: string, attempt: number): Fate {
    const random = createSeededRandom(hashText(`${this.#seed} ${key} ${attempt}`))
    const fate = random.next() < this.#badShare ? (fates[Math.floor(random.next() * fates.length)] ?? 'fails') : 'is done'
    this.met.set(fate, (this.met.get(fate) ?? 0) + 1)
    return fate
  }

  begin({ idempotencyKey: key, attempt }: TaskScope<unknown>): void {
    this.effects.push({ task: key, key, attempt })
  }

  isDone(key: string): boolean {
    return this.#done.has(key)
  }

  note(key: string, deed: string): void {
    if (!this.#done.has(key)) this.deeds.push(deed)
    this.#done.add(key)
  }
}

/** A task that fails as fortune has it: its caller sees a declined or a done deed. */
export const deed = (fortune: Fortune, name: string, attempts: number) =>
  task({
    retry: { attempts, baseMs: 50, factor: 1 },
    run: (scope: TaskScope<unknown>) => {
      fortune.begin(scope)
      const fate = fortune.fateOf(scope.idempotencyKey, scope.attempt)
      // Whoever honours the key declines nothing that it has done: an attempt whose result went down with its process, say.
      if (fate !== 'is done' && !fortune.isDone(scope.idempotencyKey)) throw new Error(`${name} is declined`)
      fortune.note(scope.idempotencyKey, name)
      return name
    },
  })

/** A member whose work goes as fortune has it; `answer` says what it puts out. */
export const fickle = (fortune: Fortune, answer: (task: never) => unknown) =>
  setup({
    types: { input: {} as { task: unknown }, context: {} as { task: unknown } },
    actors: {
      work: task({
        retry: { attempts: 2, baseMs: 50 },
        run: (scope: TaskScope<{ task: unknown }>) => {
          fortune.begin(scope)
          const fate = fortune.fateOf(scope.idempotencyKey, scope.attempt)
          if (fate === 'fails') throw new Error('the tool broke')
          return { fate, output: fate === 'is done' ? (answer(scope.input.task as never) ?? null) : null }
        },
      }),
    },
    guards: {
      hangs: (_, { fate }: { fate: Fate }) => fate === 'hangs',
      slips: (_, { fate }: { fate: Fate }) => fate === 'slips',
    },
  }).createMachine({
    id: 'fickle',
    context: ({ input }) => ({ task: input.task }),
    initial: 'beginning',
    states: {
      // So long that there is somebody to strike.
      beginning: { after: { 400: 'working' } },
      working: {
        invoke: {
          id: 'work', src: 'work', input: ({ context }) => context,
          onDone: [
            { guard: { type: 'hangs', params: ({ event }) => event.output }, target: 'hanging' },
            { guard: { type: 'slips', params: ({ event }) => event.output }, target: 'hanging', actions: () => { throw new Error('slipped') } },
            { target: 'done' },
          ],
        },
      },
      hanging: { on: { nudge: { target: 'hanging' } } },
      done: { type: 'final', output: ({ event }) => (event as unknown as { output: { output: unknown } }).output.output },
    },
    output: ({ event }) => (event as unknown as { output: unknown }).output,
  })
