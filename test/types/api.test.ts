import { describe, expectTypeOf, test } from 'vitest'
import { actorAt, createRuntime, remote, reply, task } from 'troupe'
import type { ActorHandle, ActorSnapshot, Client, InputOf, JournalEntry, LogicOf, MigrationSource, OutputOf, PersistedSnapshot, Registration, Runtime, RuntimeOptions, StuckActor, StuckPage, StuckQuery, TaskScope, WatchedProgress, WatchedStep } from 'troupe'
import { cpuTask, createCpuPool, move } from 'troupe/workers'
import type { CpuPool } from 'troupe/workers'
import { assign, fromPromise, fromTransition, sendTo, setup } from 'xstate'

const order = setup({
  types: {
    context: {} as { cents: number; note?: string },
    events: {} as { type: 'PAY'; cents: number } | { type: 'SHIP' },
    input: {} as { cents: number },
    output: {} as { paid: number },
    tags: {} as 'open' | 'settled',
  },
}).createMachine({
  context: ({ input }) => ({ cents: input.cents }),
  initial: 'waiting',
  states: {
    waiting: { tags: 'open', on: { PAY: 'paid' } },
    paid: { tags: 'settled', on: { SHIP: 'gone' } },
    gone: { type: 'final' },
  },
  output: ({ context }) => ({ paid: context.cents }),
})
const bell = setup({ types: { events: {} as { type: 'RING' } } }).createMachine({})

const machines = { order, bell: { machine: bell, version: '2' } } as const
declare const runtime: Runtime<typeof machines>

/** Nothing here runs: a mistake is an error of the compiler. */
describe('the runtime', () => {
  test('knows its machines by name and by object', () => {
    expectTypeOf(runtime.actor('order', '1')).toEqualTypeOf<ActorHandle<typeof order>>()
    expectTypeOf(runtime.actor(order, '1')).toEqualTypeOf<ActorHandle<typeof order>>()
    expectTypeOf(runtime.actor('bell', '1')).toEqualTypeOf<ActorHandle<typeof bell>>()
    // @ts-expect-error -- no such machine
    runtime.actor('ordre', '1')
    // @ts-expect-error -- a key is a string
    runtime.actor('order', 1)
    // @ts-expect-error -- no key
    runtime.actor('order')
  })

  test('is made with machines and a store', () => {
    expectTypeOf(createRuntime<typeof machines>).returns.resolves.toEqualTypeOf<Runtime<typeof machines>>()
    // @ts-expect-error -- no store
    const none: RuntimeOptions<typeof machines> = { machines }
    // @ts-expect-error -- no such limit
    const limits: RuntimeOptions['limits'] = { nosuch: 1 }
    // @ts-expect-error -- a strategy there is not
    const supervision: RuntimeOptions = { store: 'memory:', machines: { order: { machine: order, supervision: { strategy: 'pray' } } } }
    // @ts-expect-error -- what is no machine
    const machine: RuntimeOptions = { store: 'memory:', machines: { order: 'order' } }
    expectTypeOf([none, limits, supervision, machine]).toBeArray()
  })

  test('lists actors and dead letters by queries that exist', () => {
    expectTypeOf(runtime.actors).parameter(0).exclude(undefined).toHaveProperty('tag')
    expectTypeOf(runtime.stuck).parameter(0).toEqualTypeOf<StuckQuery | undefined>()
    expectTypeOf(runtime.stuck).returns.resolves.toEqualTypeOf<StuckPage>()
    expectTypeOf<StuckPage['actors'][number]>().toEqualTypeOf<StuckActor>()
    // @ts-expect-error -- a status there is not
    void runtime.actors({ status: 'alive' })
    // @ts-expect-error -- a state there is not
    void runtime.deadLetters.list({ state: 'lost' })
  })
})

describe('an actor', () => {
  const actor = null as unknown as ActorHandle<typeof order>
  // Typed only, never called.
  const never = (_typed: () => unknown): void => undefined

  test('starts with the input of its machine', () => {
    never(() => actor.start({ cents: 1 }))
    // @ts-expect-error -- the input is missing
    never(() => actor.start())
    // @ts-expect-error -- of another type
    never(() => actor.start({ cents: '1' }))
    // @ts-expect-error -- something is missing
    never(() => actor.start({}))
    const ringer = null as unknown as ActorHandle<typeof bell>
    never(() => ringer.start())
  })

  test('takes the events of its machine', () => {
    never(() => actor.send({ type: 'PAY', cents: 1 }, { idempotencyKey: 'a' }))
    never(() => actor.ask({ type: 'SHIP' }))
    never(() => actor.can({ type: 'SHIP' }))
    // @ts-expect-error -- no such event
    never(() => actor.send({ type: 'REFUND' }))
    // @ts-expect-error -- without its payload
    never(() => actor.send({ type: 'PAY' }))
    // @ts-expect-error -- with another payload
    never(() => actor.send({ type: 'PAY', cents: 'all' }))
    // @ts-expect-error -- without a type
    never(() => actor.send({ cents: 1 }))
    // @ts-expect-error -- text
    never(() => actor.send('SHIP'))
    // @ts-expect-error -- no such event
    never(() => actor.ask({ type: 'REFUND' }))
    // @ts-expect-error -- no such event
    never(() => actor.can({ type: 'REFUND' }))
    // @ts-expect-error -- an option there is not
    never(() => actor.send({ type: 'SHIP' }, { key: 'a' }))
  })

  test('waits for states of its machine', () => {
    never(() => actor.ask({ type: 'SHIP' }, { until: 'reply', timeout: 1 }))
    never(() => actor.ask({ type: 'SHIP' }, { until: ({ context }) => context.cents > 1 }))
    never(() => actor.waitFor({ tag: 'settled' }))
    // @ts-expect-error -- something to wait for there is not
    never(() => actor.ask({ type: 'SHIP' }, { until: 'later' }))
    // @ts-expect-error -- the context has no such part
    never(() => actor.ask({ type: 'SHIP' }, { until: ({ context }) => context.dollars > 1 }))
    // @ts-expect-error -- no such tag
    never(() => actor.waitFor({ tag: 'lost' }))
    // @ts-expect-error -- no such tag
    never(() => actor.ask({ type: 'SHIP' }, { until: { tag: 'lost' } }))
    // @ts-expect-error -- a reply is not a state
    never(() => actor.waitFor('reply'))
  })

  test('shows its context, value, tags and output', () => {
    expectTypeOf(actor.snapshot).returns.resolves.toEqualTypeOf<ActorSnapshot<typeof order>>()
    expectTypeOf(actor.at).returns.resolves.toEqualTypeOf<ActorSnapshot<typeof order>>()
    expectTypeOf(actor.ask).returns.resolves.toEqualTypeOf<ActorSnapshot<typeof order>>()
    expectTypeOf(actor.result).returns.resolves.toEqualTypeOf<{ paid: number }>()
    const snapshot = null as unknown as ActorSnapshot<typeof order>
    type Shown = typeof snapshot
    expectTypeOf<Shown['context']>().toEqualTypeOf<{ cents: number; note?: string }>()
    expectTypeOf<Shown['output']>().toEqualTypeOf<{ paid: number } | undefined>()
    expectTypeOf<Shown['value']>().toEqualTypeOf<'waiting' | 'paid' | 'gone'>()
    expectTypeOf<Parameters<Shown['hasTag']>[0]>().toEqualTypeOf<'open' | 'settled'>()
    // @ts-expect-error -- no such tag
    never(() => snapshot.hasTag('lost'))
    // @ts-expect-error -- no such state
    never(() => snapshot.matches('lost'))
    // @ts-expect-error -- no such part
    never(() => snapshot.context.dollars)
    // @ts-expect-error -- a snapshot is not to be changed
    never(() => (snapshot.seq = 3))
  })

  test('is watched step by step', () => {
    type Item<T> = T extends AsyncIterable<infer U> ? U : never
    const steps = () => actor.watch({ from: 0 })
    const both = () => actor.watch({ progress: true })
    expectTypeOf<Item<ReturnType<typeof steps>>>().toEqualTypeOf<WatchedStep<typeof order>>()
    expectTypeOf<Item<ReturnType<typeof both>>>().toEqualTypeOf<WatchedStep<typeof order> | WatchedProgress>()
    expectTypeOf<WatchedStep<typeof order>['snapshot']['context']>().toEqualTypeOf<{ cents: number; note?: string }>()
    expectTypeOf<WatchedStep<typeof order>>().toExtend<JournalEntry>()
    expectTypeOf(actor.history).returns.resolves.toEqualTypeOf<readonly JournalEntry[]>()
    expectTypeOf(actor.fork).returns.resolves.toEqualTypeOf<ActorHandle<typeof order>>()
    // @ts-expect-error -- a position is a number
    never(() => actor.watch({ from: 'start' }))
  })
})

describe('remote', () => {
  test('has the input, output and events of its machine', () => {
    setup({
      types: { context: {} as { paid: number } },
      actors: { order: remote<typeof order>('order') },
    }).createMachine({
      context: { paid: 0 },
      invoke: {
        id: 'order',
        src: 'order',
        input: { cents: 3 },
        onDone: {
          actions: [
            assign({ paid: ({ event }) => event.output.paid }),
            ({ event }) => expectTypeOf(event.output).toEqualTypeOf<{ paid: number }>(),
            // @ts-expect-error -- the output has no such part
            ({ event }) => event.output.dollars,
          ],
        },
        onSnapshot: { actions: ({ event }) => expectTypeOf(event.snapshot.context).toEqualTypeOf<{ cents: number; note?: string } | undefined>() },
      },
    })
  })

  test('refuses another input', () => {
    const parent = setup({ actors: { order: remote<typeof order>('order') } })
    // @ts-expect-error -- of another type
    parent.createMachine({ invoke: { src: 'order', input: { cents: '3' } } })
    // @ts-expect-error -- no such child
    parent.createMachine({ invoke: { src: 'ordre' } })
  })

  test('may be spread, and knows no other option', () => {
    expectTypeOf(remote<typeof order>('order', { spread: true })).toEqualTypeOf(remote<typeof order>('order'))
    // @ts-expect-error -- no such option
    remote<typeof order>('order', { far: true })
  })
})

describe('task', () => {
  const charge = task({ run: async ({ input, attempt, signal }: TaskScope<{ cents: number }>) => ({ receipt: `${input.cents}/${attempt}/${signal.aborted}` }), retry: 3, timeout: 1_000 })

  test('gives its machine what it returns, and takes what it says', () => {
    const payer = setup({ types: { context: {} as { receipt: string } }, actors: { charge } })
    payer.createMachine({
      context: { receipt: '' },
      invoke: {
        src: 'charge',
        input: { cents: 3 },
        onDone: {
          actions: [
            assign({ receipt: ({ event }) => event.output.receipt }),
            ({ event }) => expectTypeOf(event.output).toEqualTypeOf<{ receipt: string }>(),
            // @ts-expect-error -- the output has no such part
            ({ event }) => event.output.invoice,
          ],
        },
      },
    })
    // @ts-expect-error -- of another type
    payer.createMachine({ context: { receipt: '' }, invoke: { src: 'charge', input: { cents: '3' } } })
  })

  test('has options that exist', () => {
    const run = () => 1
    // @ts-expect-error -- an option there is not
    task({ run, retries: 3 })
    // @ts-expect-error -- text for a time
    const typed = () => task({ run, timeout: '1 s' })
    // @ts-expect-error -- nothing to run
    const empty = () => task({})
    expectTypeOf([typed, empty]).toBeArray()
  })
})

test('an address is a target of sendTo', () => {
  setup({ types: { events: {} as { type: 'GO' } } }).createMachine({ on: { GO: { actions: sendTo(actorAt('order/1'), { type: 'PAY', cents: 1 }) } } })
  // @ts-expect-error -- an address is text
  const typed = () => actorAt(42)
  expectTypeOf(typed).toBeFunction()
})

describe('logic other than machines', () => {
  const sum = fromTransition((total: number, event: { type: 'ADD'; by: number }) => total + event.by, 0)
  const page = fromPromise(async ({ input }: { input: { url: string } }) => ({ body: input.url }))
  const never = (_typed: () => unknown): void => undefined

  test('has the events it was made with', () => {
    const actor = null as unknown as ActorHandle<typeof sum>
    never(() => actor.send({ type: 'ADD', by: 1 }))
    never(() => actor.ask({ type: 'ADD', by: 1 }, { until: ({ context }) => context > 3 }))
    expectTypeOf<ActorSnapshot<typeof sum>['context']>().toEqualTypeOf<number>()
    // @ts-expect-error -- no such event
    never(() => actor.send({ type: 'SUBTRACT', by: 1 }))
    // @ts-expect-error -- without its payload
    never(() => actor.send({ type: 'ADD' }))
  })

  test('has the input and output it was made with', () => {
    const actor = null as unknown as ActorHandle<typeof page>
    never(() => actor.start({ url: 'https://example.org' }))
    expectTypeOf(actor.result).returns.resolves.toEqualTypeOf<{ body: string }>()
    // @ts-expect-error -- the input is missing
    never(() => actor.start())
    // @ts-expect-error -- of another type
    never(() => actor.start({ url: 1 }))
  })

  test('may stand behind remote as well', () => {
    const parent = setup({ types: { context: {} as { body: string } }, actors: { page: remote<typeof page>('page') } })
    parent.createMachine({ context: { body: '' }, invoke: { src: 'page', input: { url: '' }, onDone: { actions: assign({ body: ({ event }) => event.output.body }) } } })
    // @ts-expect-error -- of another type
    parent.createMachine({ context: { body: '' }, invoke: { src: 'page', input: { url: 1 } } })
  })
})

describe('a reply', () => {
  test('sees context and the very event it answers, among many others', () => {
    setup({
      types: { context: {} as { cents: number }, events: {} as { type: 'TOTAL'; tax: number } | { type: 'NAME' } },
      actors: { page: fromPromise(() => Promise.resolve(1)) },
    }).createMachine({
      context: { cents: 0 },
      on: {
        TOTAL: {
          actions: reply(({ context, event }) => {
            expectTypeOf(context).toEqualTypeOf<{ cents: number }>()
            expectTypeOf(event).toEqualTypeOf<{ type: 'TOTAL'; tax: number }>()
            return context.cents * event.tax
          }),
        },
        NAME: {
          // @ts-expect-error -- this event has no tax
          actions: reply(({ event }) => event.tax),
        },
      },
    })
  })
})

describe('a registration', () => {
  test('has options that exist, of the right types', () => {
    const good: Registration<typeof order> = {
      machine: order,
      version: '2',
      migrate(snapshot, from) {
        expectTypeOf(snapshot).toEqualTypeOf<PersistedSnapshot>()
        expectTypeOf(from).toEqualTypeOf<MigrationSource>()
        return snapshot
      },
      retention: { completedMs: 1 },
      supervision: { strategy: 'restart', restartsMax: 1, windowMs: 1 },
      limits: { payloadBytesMax: 1 },
      journal: 'states',
      mutableContext: true,
    }
    // @ts-expect-error -- an option there is not
    const stray: Registration = { machine: order, retain: 1 }
    // @ts-expect-error -- a limit that is not one machine's
    const limit: Registration = { machine: order, limits: { tasksMax: 1 } }
    // @ts-expect-error -- nothing comes of it
    const migrate: Registration = { machine: order, migrate: () => undefined }
    expectTypeOf([good, stray, limit, migrate]).toBeArray()
  })

  test('gives the logic it registers', () => {
    expectTypeOf<LogicOf<Registration<typeof order>>>().toEqualTypeOf<typeof order>()
    expectTypeOf<LogicOf<typeof order>>().toEqualTypeOf<typeof order>()
  })
})

describe('the pool of threads', () => {
  const factor = (input: { readonly of: number }) => move(new Float64Array(input.of), [])
  const source = { module: new URL('file:///heavy.ts'), export: 'factor' }

  test('a CPU task has the input and the output of its function', () => {
    setup({ actors: { factor: cpuTask<typeof factor>(source) } }).createMachine({
      invoke: { src: 'factor', input: { of: 3 }, onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<Float64Array<ArrayBuffer>>() } },
    })
    // @ts-expect-error -- no function named
    cpuTask({ module: source.module })
  })

  test('a call has them too, on the pool of a runtime, of a task and on one of its own', () => {
    expectTypeOf(runtime.workers).toEqualTypeOf<CpuPool>()
    expectTypeOf<TaskScope<unknown>['workers']>().toEqualTypeOf<CpuPool | undefined>()
    const call = (pool: CpuPool) => pool.run<typeof factor>({ ...source, input: { of: 3 } })
    expectTypeOf(call).returns.resolves.toEqualTypeOf<Float64Array<ArrayBuffer>>()
    // @ts-expect-error -- another input
    const wrong = (pool: CpuPool) => pool.run<typeof factor>({ ...source, input: { off: 3 } })
    // @ts-expect-error -- an option there is not
    const options = () => createCpuPool({ thread: 2 })
    expectTypeOf([wrong, options]).toBeArray()
  })
})

describe('the client', () => {
  test('knows what goes in and comes out of each operation', () => {
    const client = runtime.client({ name: 'ann', role: 'viewer' })
    expectTypeOf(client).toEqualTypeOf<Client>()
    expectTypeOf(client.snapshot).parameter(0).toEqualTypeOf<InputOf<'snapshot'>>()
    expectTypeOf(client.forkActor).returns.resolves.toEqualTypeOf<{ address: string }>()
    expectTypeOf(client.watch).returns.toEqualTypeOf<AsyncIterable<OutputOf<'watch'>>>()
    // @ts-expect-error -- no such role
    runtime.client({ name: 'ann', role: 'boss' })
    // @ts-expect-error -- an address is needed
    void client.snapshot({})
  })
})
