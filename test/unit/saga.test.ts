import { SimulatedClock, createActor, fromPromise } from 'xstate'
import type { AnyActorRef } from 'xstate'
import { describe, expect, test } from 'vitest'
import { saga } from '../../machines/index.ts'
import type { SagaOptions, UndoInput } from '../../machines/index.ts'
import { task } from '../../src/core/task.ts'
import type { TaskScope } from '../../src/core/task.ts'
import { errorEvent, expectEveryTransition } from '../support/machine-paths.ts'

const idle = fromPromise(async () => 'x')

test('every transition of a saga is taken by some path', () => {
  const trip = saga<{ needed: boolean }>({
    name: 'trip',
    steps: [[{ name: 'flight', do: idle, undo: idle }, { name: 'hotel', do: idle, undo: idle, timeoutMs: 10 }], { name: 'guide', do: idle, when: ({ input }) => input.needed }],
  })
  const events = [{ type: 'saga.cancel' }, { type: 'CANCEL' }, ...['flight', 'hotel', 'guide'].flatMap(step => [{ type: 'saga.retry', step }, { type: 'saga.leave', step }])]
  expectEveryTransition(trip, ...[{ needed: true }, { needed: false }, undefined as never].map(input => ({ input, events })))
})

/** A saga over a world that writes down what is done to it; `wrong` says what throws, and how often. */
function play(steps: SagaOptions['steps'], input: unknown = {}) {
  const clock = new SimulatedClock()
  const actor = createActor(saga({ name: 'play', steps }), { clock, input })
  const errors: unknown[] = []
  actor.subscribe({ error: error => void errors.push(error) })
  actor.start()
  return { actor, clock, errors, value: () => actor.getSnapshot().value as unknown, ends: async () => (await settled(actor), actor.getSnapshot().output) }
}

async function settled(actor: AnyActorRef): Promise<void> {
  for (let n = 0; n < 100 && (actor.getSnapshot() as { status: string }).status === 'active'; n++) await Promise.resolve()
}

function world(wrong: Record<string, number> = {}) {
  const log: string[] = []
  const keys: Record<string, string[]> = {}
  const act = (what: string) =>
    task({
      retry: 1,
      run: ({ input, idempotencyKey }: TaskScope<unknown>) => {
        log.push(what)
        ;(keys[what] ??= []).push(idempotencyKey)
        const left = wrong[what] ?? 0
        wrong[what] = left - 1
        if (left > 0) throw new Error(`${what} is full`)
        return { what, of: (input as Partial<UndoInput>).result ?? null }
      },
    })
  const step = (name: string) => ({ name, do: act(name), undo: act(`un${name}`) })
  return { log, keys, act, step }
}

describe('a saga', () => {
  test('does its steps in order and says what each has come to', async () => {
    const { log, step } = world()
    const { ends } = play([step('a'), step('b')])
    expect(await ends()).toEqual({
      kind: 'outcome', status: 'done', reason: null, usage: expect.anything(),
      output: { end: 'completed', results: { a: { what: 'a', of: null }, b: { what: 'b', of: null } }, steps: [{ step: 'a', status: 'done', reason: null }, { step: 'b', status: 'done', reason: null }] },
    })
    expect(log).toEqual(['a', 'b'])
  })

  test('undoes what it did, the last first, when a step fails; the one that failed only if asked to', async () => {
    const { log, step } = world({ c: 1 })
    expect(await play([step('a'), step('b'), step('c'), step('d')]).ends()).toMatchObject({
      status: 'failed', reason: 'c: c is full',
      output: { end: 'compensated', steps: [{ status: 'undone' }, { status: 'undone' }, { step: 'c', status: 'failed', reason: 'c is full' }, { step: 'd', status: 'pending' }] },
    })
    expect(log).toEqual(['a', 'b', 'c', 'unb', 'una'])
    const again = world({ b: 1 })
    await play([again.step('a'), { ...again.step('b'), undoFailed: true }]).ends()
    expect(again.log).toEqual(['a', 'b', 'unb', 'una'])
  })

  test('gives steps what came before, and undoing what there is to undo', async () => {
    const seen: unknown[] = []
    const see = (result: unknown) => fromPromise(async ({ input }) => (seen.push(input), result))
    const fail = fromPromise(async () => Promise.reject(new Error('no')))
    await play([{ name: 'a', do: see(7), undo: see(null) }, { name: 'b', do: see(8), input: ({ input, results }) => [input, results['a']] }, { name: 'c', do: fail }], 'in').ends()
    expect(seen).toEqual([{ input: 'in', results: {} }, ['in', 7], { step: 'a', input: 'in', results: { a: 7, b: 8 }, result: 7, key: expect.stringMatching(/ undo a$/) }])
  })

  test('leaves out what is not needed, and has nothing to undo of it', async () => {
    const { log, step } = world({ c: 1 })
    expect(await play([step('a'), { ...step('b'), when: () => false }, step('c')]).ends()).toMatchObject({ output: { steps: [{ status: 'undone' }, { status: 'skipped' }, { status: 'failed' }] } })
    expect(log).toEqual(['a', 'c', 'una'])
  })

  test('lets steps that go at the same time all settle before it goes back', async () => {
    const { log, act, step } = world({ b: 1 })
    let release: (value: unknown) => void = () => undefined
    const slow = { name: 'slow', do: fromPromise(() => new Promise(resolve => (release = resolve))), undo: act('unslow') }
    const rig = play([[slow, step('b')], step('c')])
    await settled(rig.actor)
    expect(rig.value()).toEqual({ doing: { 'slow+b': { slow: 'running', b: 'settled' } } })
    release(1)
    expect(await rig.ends()).toMatchObject({ output: { end: 'compensated' } })
    expect(log).toEqual(['b', 'unslow'])
  })

  test('undoes a step that ran out of time, as nobody knows whether it happened', async () => {
    const { log, act, step } = world()
    const rig = play([step('a'), { name: 'b', do: fromPromise(() => new Promise(() => undefined)), undo: act('unb'), timeoutMs: 50 }])
    await settled(rig.actor)
    rig.clock.increment(50)
    expect(await rig.ends()).toMatchObject({ reason: 'b: do of step b took longer than 50 ms' })
    expect(log).toEqual(['a', 'unb', 'una'])
  })

  test('that is called off undoes what it did, and what it was at', async () => {
    const { log, act, step } = world()
    const rig = play([step('a'), { name: 'b', do: fromPromise(() => new Promise(() => undefined)), undo: act('unb') }])
    await settled(rig.actor)
    rig.actor.send({ type: 'saga.cancel', reason: 'rain' })
    expect(await rig.ends()).toMatchObject({ status: 'cancelled', reason: 'rain', output: { end: 'compensated', steps: [{ status: 'undone' }, { status: 'undone' }] } })
    expect(log).toEqual(['a', 'unb', 'una'])
  })
})

describe('a step that cannot be undone holds the saga', () => {
  const held = async () => {
    const rig = world({ b: 1, una: 2 })
    const game = play([rig.step('z'), rig.step('a'), rig.step('b')])
    await settled(game.actor)
    return { ...rig, ...game }
  }

  test('which says so, and undoes nothing before it', async () => {
    const { value, actor, log } = await held()
    expect(value()).toEqual({ undoing: { a: 'held' } })
    expect(actor.getSnapshot().hasTag('held')).toBe(true)
    expect(actor.getSnapshot().context.steps['a']).toEqual({ step: 'a', status: 'held', reason: 'una is full' })
    expect(log).toEqual(['z', 'a', 'b', 'una'])
  })

  test('until it is undone, under one key however often that is tried', async () => {
    const { actor, ends, log, keys } = await held()
    actor.send({ type: 'saga.retry', step: 'z' })
    actor.send({ type: 'saga.retry', step: 'a' })
    await settled(actor)
    actor.send({ type: 'saga.retry', step: 'a' })
    expect(await ends()).toMatchObject({ status: 'failed', output: { steps: [{ status: 'undone' }, { status: 'undone' }, { status: 'failed' }] } })
    expect(log).toEqual(['z', 'a', 'b', 'una', 'una', 'una', 'unz'])
    expect(new Set(keys['una']).size).toBe(1)
  })

  test('or until somebody leaves it as it is', async () => {
    const { actor, ends, log } = await held()
    actor.send({ type: 'saga.leave', step: 'a', reason: 'refunded by hand' })
    expect(await ends()).toMatchObject({ output: { steps: [{ status: 'undone' }, { status: 'kept', reason: 'refunded by hand' }, { status: 'failed' }] } })
    expect(log).toEqual(['z', 'a', 'b', 'una', 'unz'])
  })
})

test.each([
  ['no steps', []],
  ['an empty list of steps', [[]]],
  ['two steps of one name', [{ name: 'a', do: idle }, { name: 'a', do: idle }]],
  ['a step with a name that is no name', [{ name: 'a.b', do: idle }]],
])('%s make no saga', (_what, steps) => {
  expect(() => saga({ name: 'x', steps })).toThrow(expect.objectContaining({ code: 'config/invalid' }))
})

test('an error that is none holds and fails like any other', async () => {
  const { actor } = play([{ name: 'a', do: fromPromise(() => new Promise(() => undefined)) }])
  actor.send(errorEvent('do-a', 'no') as never)
  expect(actor.getSnapshot().output).toMatchObject({ reason: 'a: no' })
})
