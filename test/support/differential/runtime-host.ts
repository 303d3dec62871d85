import type { AnyStateMachine, EventObject } from 'xstate'
import { createMemoryStore, createTestWorld, crashPoints } from 'troupe/testing'
import type { CrashPlan as CrashAt, TestWorld } from 'troupe/testing'
import type { ActorId } from '../../../src/core/address.ts'
import { plainCodec } from '../../../src/core/codec.ts'
import type { PersistedSnapshot } from '../../../src/core/document.ts'
import { TroupeError } from '../../../src/core/errors.ts'
import { packRow, unpackRow } from '../../../src/core/journal.ts'
import { encodeJson } from '../../../src/core/json.ts'
import type { Store } from '../../../src/core/store.ts'
import { readDocument } from '../../../src/host/slots.ts'
import type { CrashPlan, Host, State } from './host.ts'
import { normalise } from './normalise.ts'
import type { Subject, TestEvent } from './subject.ts'

const ID = 'default/subject/1' as ActorId
const HISTORY_MAX = 100_000
/** Timers of one stretch of time; more means that one is due for ever. */
const INSTANTS_MAX = 10_000

/** A fault planted around the runtime, to show that the comparison catches its kind. */
export type RuntimeFault = 'a delta is lost on restore' | 'events are sent again without their key'

type World = TestWorld<Record<string, AnyStateMachine>>

/**
 * The whole runtime over a memory store. Dies at the points of the engine that the plan says, in the midst of a send, a
 * timer or a task, and is started again; what was sent is then sent once more under the same idempotency key.
 */
export class RuntimeHost implements Host {
  readonly #subject: Subject
  readonly #crashHere: CrashPlan
  readonly #fault: RuntimeFault | undefined
  readonly #reported: unknown[] = []
  #world: World | undefined
  #sent = 0
  #deaths = 0

  constructor(subject: Subject, crashHere: CrashPlan, fault?: RuntimeFault) {
    this.#subject = subject
    this.#crashHere = crashHere
    this.#fault = fault
  }

  /** How often the process has died so far. */
  get deaths(): number {
    return this.#deaths
  }

  get emitted(): Promise<readonly EventObject[]> {
    return this.#emitted()
  }

  async start(): Promise<void> {
    const { machine, input } = this.#subject
    this.#world = await createTestWorld<Record<string, AnyStateMachine>>({
      machines: { subject: machine },
      // A promise that never settles is interrupted by every crash.
      limits: { taskCrashesMax: 1_000_000 },
      ...(this.#fault === 'a delta is lost on restore' && { store: forgetful(createMemoryStore()) }),
      onError: error => this.#reported.push(error),
    })
    await this.#survive(world => world.runtime.actor('subject', '1').start(input as never))
  }

  async send(events: readonly TestEvent[]): Promise<void> {
    const keyed = events.map(event => ({ event, key: `event ${++this.#sent}` }))
    let tries = 0
    await this.#survive(async world => {
      tries++
      const actor = world.runtime.actor('subject', '1')
      const keyOf = (key: string): string => (this.#fault === 'events are sent again without their key' ? `${key} ${tries}` : key)
      await Promise.all(keyed.map(({ event, key }) => actor.send(event as never, { idempotencyKey: keyOf(key) }).catch(ignoreEnded)))
    })
  }

  async advance(ms: number): Promise<void> {
    const { clock, store } = this.#alive
    const end = clock.now() + ms
    for (let instants = 0; ; instants++) {
      if (instants > INSTANTS_MAX) throw new Error('a timer is due for ever')
      const due = await store.nextDue(0)
      if (due === undefined || due > end) break
      await this.#pass(Math.max(0, due - clock.now()))
    }
    await this.#pass(end - clock.now())
  }

  async crash(): Promise<void> {
    await this.#alive.crash()
    await this.#revive()
  }

  async state(): Promise<State> {
    if (this.#reported.length > 0) throw new Error('the runtime reported a failure', { cause: this.#reported[0] })
    const { store, runtime } = this.#alive
    const stored = await store.load(ID)
    if (!stored) throw new Error('the actor is not in the store')
    const { snapshot } = readDocument(stored, plainCodec).document
    const { status } = stored.record
    if (status !== snapshot.status) throw new Error(`the actor is ${status}, its machine ${snapshot.status}`)
    const seen = await runtime.actor('subject', '1').snapshot()
    const { children } = tagsIn(this.#subject.machine, snapshot)
    return { snapshot: normalise(snapshot), tags: { tags: [...seen.tags].toSorted(), children } }
  }

  async close(): Promise<void> {
    await this.#world?.crash()
  }

  get #alive(): World {
    if (!this.#world) throw new Error('not started')
    return this.#world
  }

  async #emitted(): Promise<readonly EventObject[]> {
    const rows = await this.#alive.store.history(ID, 0, HISTORY_MAX)
    return rows.flatMap(({ data }) => unpackRow(data)).flatMap(({ emitted }) => (emitted ?? []) as readonly EventObject[])
  }

  /** Does something that is safe to do again, through at most one death on the way. */
  async #survive(act: (world: World) => Promise<void>): Promise<void> {
    const world = this.#alive
    const at = this.#subject.live ? undefined : crashAt(this.#crashHere())
    if (at) void world.crash(at)
    const acted = act(world)
    acted.catch(() => undefined)
    await world.settle()
    if (world.isDown) {
      await this.#revive()
      await act(world)
    } else await acted
    await world.settle()
    if (world.isDown) await this.#revive()
  }

  /** Lets time pass up to the next instant; what is due there and was not done before a death is done after it. */
  async #pass(ms: number): Promise<void> {
    const world = this.#alive
    const at = this.#subject.live ? undefined : crashAt(this.#crashHere())
    if (at) void world.crash(at)
    await world.advance(ms)
    if (world.isDown) await this.#revive()
  }

  async #revive(): Promise<void> {
    this.#deaths++
    await this.#alive.restart()
    await this.#alive.settle()
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof TroupeError) || error.code !== 'actor/ended') throw error
}

/** Which point of the engine a number of the plan means, and which visit there. */
function crashAt(answer: number): CrashAt | undefined {
  const point = crashPoints[(answer - 1) % crashPoints.length]
  return answer === 0 || !point ? undefined : { point, visit: 1 + Math.floor((answer - 1) / crashPoints.length) }
}

/** Loads every actor without what its last step has changed. */
function forgetful(store: Store): Store {
  const load: Store['load'] = async (id, at) => {
    const stored = await store.load(id, at)
    return stored && { ...stored, rows: stored.rows.map((row, index) => (index === stored.rows.length - 1 ? { ...row, data: withoutLastDelta(row.data) } : row)) }
  }
  return Object.assign(Object.create(store) as Store, { ...store, load })
}

function withoutLastDelta(row: string): string {
  const steps = unpackRow(row)
  return packRow(steps.map((step, index) => encodeJson(index === steps.length - 1 ? { ...step, delta: [] } : step, true)))
}

/** Tags that the machines give a persisted tree. */
function tagsIn(machine: AnyStateMachine, snapshot: PersistedSnapshot): { readonly tags: readonly string[]; readonly children: unknown } {
  const { value, context, children = {} } = snapshot
  const { tags } = machine.resolveState({ value: value as never, context } as never)
  const inner = Object.entries(children).map(([id, child]) => {
    const logic: unknown = machine.implementations.actors[child.src]
    return [id, typeof logic === 'object' && logic !== null && '__xstatenode' in logic ? tagsIn(logic as unknown as AnyStateMachine, child.snapshot) : null]
  })
  return { tags: [...tags].toSorted(), children: Object.fromEntries(inner) }
}
