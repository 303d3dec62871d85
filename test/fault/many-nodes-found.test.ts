import { TroupeError, actorAt, createRuntime } from 'troupe'
import type { Store } from 'troupe'
import { createMemoryStore, createVirtualClock } from 'troupe/testing'
import { assign, sendTo, setup } from 'xstate'
import { expect, test, vi } from 'vitest'
import { withRejections } from '../support/unhandled-rejections.ts'

/** What simulated worlds of many nodes have found, each in as few steps as it takes. */
const fragile = setup({ types: { events: {} as { type: 'POISON' | 'WORK' } } }).createMachine({
  on: {
    WORK: {},
    POISON: {
      actions: () => {
        throw new Error('poison')
      },
    },
  },
})
const list = setup({ types: { context: {} as { numbers: readonly number[] }, events: {} as { type: 'ADD'; n: number } } }).createMachine({
  context: { numbers: [] },
  on: { ADD: { actions: assign(({ context, event }) => ({ numbers: [...context.numbers, event.n] })) } },
})
const relay = setup({ types: { events: {} as { type: 'GO'; n: number } | { type: 'REST' } } }).createMachine({
  on: { GO: { actions: sendTo(actorAt('list/l'), ({ event }) => ({ type: 'ADD', n: event.n })) }, REST: {} },
})
const brief = setup({ types: { events: {} as { type: 'END' } } }).createMachine({ initial: 'open', states: { open: { on: { END: 'over' } }, over: { type: 'final' } } })
const machines = { fragile, list, relay, brief }

/** A store whose calls can be held up: before they take effect, or on the way back. */
class SlowStore {
  readonly store: Store
  readonly #gates = new Map<string, PromiseWithResolvers<void>>()

  constructor(inner: Store) {
    this.store = new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function' || name === 'subscribe') return typeof value === 'function' ? (value.bind(target) as unknown) : value
        return async (...args: unknown[]): Promise<unknown> => {
          await this.#gates.get(`${String(name)} out`)?.promise
          const answer: unknown = await (value as (...given: unknown[]) => Promise<unknown>).apply(target, args)
          await this.#gates.get(`${String(name)} back`)?.promise
          return answer
        }
      },
    })
  }

  hold(verb: keyof Store, way: 'out' | 'back'): void {
    this.#gates.set(`${verb} ${way}`, Promise.withResolvers())
  }

  release(verb: keyof Store, way: 'out' | 'back'): void {
    this.#gates.get(`${verb} ${way}`)?.resolve()
    this.#gates.delete(`${verb} ${way}`)
  }

  /** What was held up on its way is lost. */
  lose(verb: keyof Store): void {
    this.#gates.get(`${verb} out`)?.reject(new TroupeError('store/failed', `${verb} was lost on purpose`))
    this.#gates.delete(`${verb} out`)
  }
}

test('a refusal that comes before the store has acknowledged the request does not end the process', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  await using owner = await createRuntime({ machines, store, clock })
  await using guest = await createRuntime({ machines, store: slow.store, clock, onError: vi.fn() })
  await owner.actor('fragile', 'f').start()
  const unhandled: unknown[] = []
  await withRejections(
    async () => {
      slow.hold('append', 'back')
      const asked = expect(guest.actor('fragile', 'f').ask({ type: 'POISON' })).rejects.toMatchObject({ code: 'event/poisoned' })
      await clock.settle()
      slow.release('append', 'back')
      await asked
    },
    error => unhandled.push(error),
  )
  expect(unhandled).toEqual([])
})

test('a send is accepted when its partition comes to this process while it looks at the actor', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  const owner = await createRuntime({ machines, store, clock })
  await owner.actor('fragile', 'f').start()
  await using guest = await createRuntime({ machines, store: slow.store, clock, onError: vi.fn() })
  slow.hold('load', 'back')
  const sent = guest.actor('fragile', 'f').send({ type: 'POISON' })
  await clock.settle()
  await owner.close()
  await clock.advance(2_000)
  expect(guest.health().partitions.owned).toEqual([0])
  slow.release('load', 'back')
  await sent
})

test('a late refusal of what was committed under an earlier lease does not cost the present one', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  await using runtime = await createRuntime({ machines, store: slow.store, clock, onError: vi.fn() })
  await runtime.actor('fragile', 'f').start()
  slow.hold('commit', 'out')
  const sent = runtime.actor('fragile', 'f').send({ type: 'WORK' })
  await clock.settle()
  // Another process has the partition for a moment; this one hears of it as it renews, and claims it again.
  const claim = await store.claim({ partition: 0, node: 'other', token: 'other', now: clock.now() + 60_000, ttlMs: 1 })
  if (claim.ok) await store.release([claim.lease])
  await clock.advance(4_000)
  const [present] = await store.leases()
  expect(present).toMatchObject({ node: runtime.health().node, epoch: 3 })
  slow.release('commit', 'out')
  await sent
  await clock.settle()
  expect(await store.leases()).toEqual([present])
})

test('who waits for an end hears of it when it came while this process took itself for the owner, and was not', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  // An owner does not listen to the commits of others.
  const { subscribe } = store
  vi.spyOn(store, 'subscribe').mockImplementation((hear, scope) => (scope && 'partition' in scope ? () => undefined : subscribe(hear, scope)))
  await using deaf = await createRuntime({ machines, store: slow.store, clock, onError: vi.fn() })
  await deaf.actor('brief', 'b').start()
  const heard = vi.fn()
  void deaf.actor('brief', 'b').result().then(heard)
  slow.hold('renew', 'out')
  const other = await createRuntime({ machines, store, clock })
  await clock.advance(12_000)
  await other.actor('brief', 'b').ask({ type: 'END' })
  await other.close()
  expect(deaf.health().partitions.owned).toEqual([0])
  slow.release('renew', 'out')
  await clock.advance(2_000)
  expect(await store.leases()).toMatchObject([{ node: deaf.health().node, epoch: 3 }])
  expect(heard).toHaveBeenCalledOnce()
})

test('what an actor sends stays in order when the inbox grows in the middle of a full batch', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  await using owner = await createRuntime({ machines, store: slow.store, clock, limits: { batchStepsMax: 3 } })
  await using guest = await createRuntime({ machines, store, clock })
  await owner.actor('list', 'l').start()
  await owner.actor('relay', 'r').start()
  slow.hold('take', 'out')
  for (const n of [1, 2]) await guest.actor('relay', 'r').send({ type: 'GO', n }, { idempotencyKey: `${n}` })
  await clock.settle()
  const rested = owner.actor('relay', 'r').send({ type: 'REST' })
  // One batch takes both and what waits in this process; while it asks for the key of the second one, a third comes in.
  slow.hold('marks', 'back')
  slow.release('take', 'out')
  await clock.settle()
  slow.release('marks', 'back')
  slow.hold('marks', 'back')
  await clock.settle()
  await guest.actor('relay', 'r').send({ type: 'REST' })
  await clock.settle()
  slow.release('marks', 'back')
  await rested
  await clock.settle()
  expect((await owner.actor('list', 'l').snapshot()).context.numbers).toEqual([1, 2])
})

test('a batch that runs while its partition is given up writes nothing', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  const first = await createRuntime({ machines, store, clock })
  await first.actor('list', 'l').start()
  await using second = await createRuntime({ machines, store: slow.store, clock, onError: vi.fn() })
  for (const verb of ['nextDue', 'take', 'release'] as const) slow.hold(verb, 'out')
  await first.close()
  await clock.settle()
  expect(second.health().partitions.owned).toEqual([0])
  await using guest = await createRuntime({ machines, store, clock })
  for (const n of [1, 2]) await guest.actor('list', 'l').send({ type: 'ADD', n }, { idempotencyKey: `${n}` })
  slow.hold('marks', 'back')
  slow.release('take', 'out')
  await clock.settle()
  // It has the actor in its hands for the first event, when it learns that it could not look for what is due.
  slow.lose('nextDue')
  await clock.settle()
  slow.release('marks', 'back')
  await clock.settle()
  slow.release('release', 'out')
  for (let waited = 0; waited < 20; waited++) await clock.advance(1_000)
  expect((await guest.actor('list', 'l').snapshot()).context.numbers).toEqual([1, 2])
})

test('what a process has sent before it took a partition over comes before what it sends after that, also when it fills a batch', async () => {
  const [store, clock] = [createMemoryStore(), createVirtualClock()]
  const slow = new SlowStore(store)
  const first = await createRuntime({ machines, store, clock })
  await first.actor('list', 'l').start()
  await using second = await createRuntime({ machines, store: slow.store, clock, limits: { batchStepsMax: 3 } })
  slow.hold('claim', 'out')
  await first.close()
  // A repetition takes up room in a batch, and is no step.
  for (const n of [1, 1, 2, 3]) await second.actor('list', 'l').send({ type: 'ADD', n }, { idempotencyKey: `${n}` })
  slow.hold('take', 'out')
  slow.release('claim', 'out')
  await clock.settle()
  expect(second.health().partitions.owned).toEqual([0])
  const sent = second.actor('list', 'l').send({ type: 'ADD', n: 4 })
  slow.release('take', 'out')
  await sent
  await clock.settle()
  expect((await second.actor('list', 'l').snapshot()).context.numbers).toEqual([1, 2, 3, 4])
})
