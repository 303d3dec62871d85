import { remote, task } from 'troupe'
import type { TaskScope } from 'troupe'
import { saga } from 'troupe/machines'
import type { SagaOutput, UndoInput } from 'troupe/machines'
import { beforeEach, expect, test } from 'vitest'
import { setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

/** What is booked outside: once per key. */
const bookings = new Map<string, string>()
const full = new Set<string>()
/** What waits for the test before it answers. */
let gates: Record<string, Promise<void>> = {}
beforeEach(() => {
  bookings.clear()
  full.clear()
  gates = {}
})

const call = (what: string) =>
  task({
    retry: { attempts: 2, baseMs: 100, jitter: 0 },
    run: async ({ idempotencyKey, signal }: TaskScope<unknown>) => {
      await gates[what]
      signal.throwIfAborted()
      if (full.has(what)) throw new Error(`${what}: full`)
      bookings.set(idempotencyKey, what)
      return `${what} booked`
    },
  })

const payment = setup({ actors: { charge: call('pay') } }).createMachine({
  initial: 'charging',
  states: { charging: { invoke: { id: 'charge', src: 'charge', onDone: 'charged', onError: 'declined' } }, charged: { type: 'final' }, declined: { entry: () => { throw new Error('card declined') } } },
})
const trip = saga({
  name: 'trip',
  steps: [
    [{ name: 'flight', do: call('flight'), undo: call('cancel flight') }, { name: 'hotel', do: call('hotel'), undo: call('cancel hotel') }],
    { name: 'pay', do: 'payment' },
  ],
})
/** A saga inside of another machine. */
const agency = setup({ actors: { trip } }).createMachine({
  initial: 'planning',
  states: { planning: { invoke: { id: 'trip', src: 'trip', input: {}, onDone: 'planned' } }, planned: { type: 'final' } },
})
const chief = setup({ actors: { trip: remote<typeof trip>('trip') } }).createMachine({
  initial: 'planning',
  states: { planning: { invoke: { id: 'trip', src: 'trip', input: {}, onDone: 'planned', onError: 'failed' } }, planned: { type: 'final' }, failed: { type: 'final' } },
})
const machines = { trip, payment, agency, chief }

const booked = () => [...bookings.values()].toSorted()

test('a trip goes on where a crash has interrupted it, and books nothing twice', async () => {
  const world = await createSqliteWorld(machines)
  let open: () => void = () => undefined
  gates = { hotel: new Promise(resolve => (open = resolve)) }
  await world.runtime.actor(trip, '1').start({})
  await world.settle()
  expect((await world.runtime.actor(trip, '1').snapshot()).value).toEqual({ doing: { 'flight+hotel': { flight: 'settled', hotel: 'running' } } })
  await world.crash()
  open()
  await world.restart()
  await world.settle()
  expect(await world.runtime.actor(trip, '1').result()).toMatchObject({ status: 'done', output: { end: 'completed', results: { flight: 'flight booked', hotel: 'hotel booked' } } })
  expect(booked()).toEqual(['flight', 'hotel', 'pay'])
})

test('a durable actor that fails as a step has the others undone', async () => {
  const world = await createSqliteWorld(machines)
  full.add('pay')
  await world.runtime.actor(trip, '1').start({})
  await world.advance(100)
  expect(await world.runtime.actor(trip, '1').result()).toMatchObject({ status: 'failed', reason: expect.stringContaining('card declined'), output: { end: 'compensated', steps: [{ status: 'undone' }, { status: 'undone' }, { status: 'failed' }] } })
  expect(booked()).toEqual(['cancel flight', 'cancel hotel', 'flight', 'hotel'])
})

test('what cannot be undone is a dead letter: the saga stands still over crashes, and goes on when it is replayed', async () => {
  const world = await createSqliteWorld(machines)
  full.add('pay').add('cancel hotel')
  await world.runtime.actor(trip, '1').start({})
  await world.advance(200)
  await world.crash()
  await world.restart()
  await world.advance(3_600_000)
  const snapshot = await world.runtime.actor(trip, '1').snapshot()
  expect(snapshot).toMatchObject({ status: 'active', value: { undoing: { hotel: 'held' } }, context: { steps: { flight: { status: 'done' }, hotel: { status: 'held', reason: 'cancel hotel: full' } } } })
  expect((await world.runtime.actors({ tag: 'held' })).actors.map(({ address }) => address)).toEqual(['trip/1'])
  const [letter, ...others] = await world.runtime.deadLetters.list({ address: 'trip/1' })
  expect(others).toEqual([])
  expect(letter).toMatchObject({ message: { body: { kind: 'event', event: { type: 'saga.retry', step: 'hotel' } } }, cause: { message: 'cancel hotel: full' } })
  // Not yet mended: another letter takes its place.
  await world.runtime.deadLetters.replay(letter?.id ?? '')
  await world.advance(100)
  const [again] = await world.runtime.deadLetters.list({ address: 'trip/1' })
  expect(again?.id).not.toBe(letter?.id)
  full.delete('cancel hotel')
  await world.runtime.deadLetters.replay(again?.id ?? '')
  await world.settle()
  expect(await world.runtime.actor(trip, '1').result()).toMatchObject({ output: { end: 'compensated', steps: [{ status: 'undone' }, { status: 'undone' }, { status: 'failed' }] } })
  expect(booked()).toEqual(['cancel flight', 'cancel hotel', 'flight', 'hotel'])
  expect(await world.runtime.deadLetters.list({ address: 'trip/1' })).toEqual([])
})

test('undoing has one key however often it is tried, and another one in another saga', async () => {
  const world = await createSqliteWorld(machines)
  const keys = new Map<string, Set<string>>()
  const note = task({ retry: 1, run: ({ input, idempotencyKey }: TaskScope<UndoInput<string>>) => {
    keys.set(input.input, (keys.get(input.input) ?? new Set()).add(idempotencyKey))
    if (full.has('note')) throw new Error('full')
  } })
  await world.restart({ machines: { ...machines, noted: saga<string>({ name: 'noted', steps: [{ name: 'a', do: call('a'), undo: note }, { name: 'b', do: call('b') }] }) } as never })
  full.add('b').add('note')
  for (const key of ['x', 'y']) await world.runtime.at(`noted/${key}`).start(key)
  await world.advance(100)
  full.delete('note')
  for (const { id } of await world.runtime.deadLetters.list()) await world.runtime.deadLetters.replay(id)
  await world.settle()
  expect([...keys.keys()]).toEqual(['x', 'y'])
  expect([...keys.values()].map(({ size }) => size)).toEqual([1, 1])
  expect(new Set([...keys.values()].flatMap(set => [...set])).size).toBe(2)
})

test.each([['agency', 'inside of a machine'], ['chief', 'a durable child']] as const)('a held saga that is part of %s, %s, fails nobody and goes on by its letter', async (name, _how) => {
  const world = await createSqliteWorld(machines)
  full.add('pay').add('cancel hotel')
  await world.runtime.at(`${name}/1`).start()
  await world.advance(200)
  const letters = (await world.runtime.deadLetters.list()).filter(({ message }) => JSON.stringify(message).includes('saga.retry'))
  expect(letters).toHaveLength(1)
  expect(await world.runtime.at(`${name}/1`).snapshot()).toMatchObject({ status: 'active', value: 'planning' })
  full.delete('cancel hotel')
  await world.runtime.deadLetters.replay(letters[0]?.id ?? '')
  await world.settle()
  expect(await world.runtime.at(`${name}/1`).snapshot()).toMatchObject({ status: 'done', value: 'planned' })
})

test('a saga that is cancelled is given its grace to undo what it did', async () => {
  const world = await createSqliteWorld(machines)
  let open: () => void = () => undefined
  gates = { pay: new Promise(resolve => (open = resolve)) }
  const actor = world.runtime.actor(trip, '1')
  await actor.start({})
  await world.settle()
  await actor.cancel({ graceMs: 60_000 })
  await actor.cancel({ graceMs: 60_000 })
  open()
  await world.settle()
  const snapshot = await actor.snapshot()
  expect(snapshot).toMatchObject({ status: 'cancelled', value: 'compensated' })
  expect((snapshot.output as { output: SagaOutput }).output.steps).toMatchObject([{ status: 'undone' }, { status: 'undone' }, { status: 'unclear' }])
  expect(booked()).toEqual(['cancel flight', 'cancel hotel', 'flight', 'hotel'])
})
