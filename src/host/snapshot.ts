import type { AnyActorLogic, AnyMachineSnapshot, ContextFrom, EventFromLogic, OutputFrom, SnapshotFrom } from 'xstate'
import { z } from 'zod'
import type { ZodType } from 'zod'
import type { ActorId } from '../core/address.ts'
import { addressOf } from '../core/address.ts'
import type { PersistedSnapshot } from '../core/document.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { ActorStatus } from '../core/store.ts'
import type { Definition } from './definition.ts'
import { isMachine } from './xstate/logic.ts'
import { eventsOf, resolveMachine } from './xstate/outlook.ts'

type Value<TLogic extends AnyActorLogic> = SnapshotFrom<TLogic> extends { value: infer T } ? T : undefined
/** The tags of a machine. */
export type Tag<TLogic extends AnyActorLogic> = SnapshotFrom<TLogic> extends { hasTag: (tag: infer T) => boolean } ? T : string
type Matchable<TLogic extends AnyActorLogic> = SnapshotFrom<TLogic> extends { matches: (value: infer T) => boolean } ? T : never
type Context<TLogic extends AnyActorLogic> = SnapshotFrom<TLogic> extends { context: infer T } ? T : ContextFrom<TLogic>

/** An event that an actor would act on now. */
export interface NextEvent {
  readonly type: string
  /** Its schema, where one was registered. */
  readonly schema: ZodType | undefined
  /** The schema as JSON Schema, for forms and documents. */
  readonly jsonSchema: unknown
  /** True when a guard decides, so that the payload may still make it illegal. */
  readonly guarded: boolean
}

export interface SnapshotSource {
  readonly id: ActorId
  readonly seq: number
  readonly status: ActorStatus
  readonly snapshot: PersistedSnapshot
  readonly failure: ErrorInfo | undefined
}

/**
 * A committed state of an actor at a sequence number: plain data, frozen or private, yours to keep.
 */
export class ActorSnapshot<TLogic extends AnyActorLogic = AnyActorLogic> {
  /** `machine/key` */
  readonly address: string
  /** Number of the step it shows. */
  readonly seq: number
  readonly status: ActorStatus
  /** Why the actor is failed or held, or waits for its restart. */
  readonly failure: ErrorInfo | undefined
  /** What was given to `reply` for this ask. */
  readonly reply: unknown
  readonly #definition: Definition
  readonly #persisted: PersistedSnapshot
  #machineSnapshot: AnyMachineSnapshot | undefined

  constructor(definition: Definition, source: SnapshotSource, reply?: unknown) {
    this.#definition = definition
    this.#persisted = source.snapshot
    this.address = addressOf(source.id)
    this.seq = source.seq
    this.status = source.status
    this.failure = source.failure
    this.reply = reply
  }

  get value(): Value<TLogic> {
    return this.#persisted.value as Value<TLogic>
  }

  get context(): Context<TLogic> {
    return this.#persisted.context as Context<TLogic>
  }

  get output(): OutputFrom<TLogic> | undefined {
    return this.#persisted.output as OutputFrom<TLogic> | undefined
  }

  get error(): unknown {
    return this.#persisted.error
  }

  /** Persisted snapshots of the children in process, by id. */
  get children(): Readonly<Record<string, PersistedSnapshot>> {
    return Object.fromEntries(Object.entries(this.#persisted.children ?? {}).map(([id, child]) => [id, child.snapshot]))
  }

  get tags(): ReadonlySet<string> {
    return this.#machine()?.tags ?? new Set()
  }

  hasTag(tag: Tag<TLogic>): boolean {
    return this.tags.has(tag as string)
  }

  matches(value: Matchable<TLogic>): boolean {
    return this.#machine()?.matches(value as never) ?? false
  }

  /** Whether the event would cause a transition now: the actor takes events, and some guard passes. */
  can(event: EventFromLogic<TLogic>): boolean {
    if (this.status !== 'active' && this.status !== 'paused') return false
    if (!isMachine(this.#definition.logic)) return true
    return this.#machine()?.can(event as never) ?? false
  }

  /** The events that are legal now, with their schemas where given. */
  nextEvents(): readonly NextEvent[] {
    const machine = this.#machine()
    if (!machine || (this.status !== 'active' && this.status !== 'paused')) return []
    return [...eventsOf(machine)].map(([type, guarded]) => {
      const schema = this.#definition.events[type]
      return { type, guarded, schema, jsonSchema: schema && z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) }
    })
  }

  /** As plain data, for JSON. */
  toJSON(): Record<string, unknown> {
    const { address, seq, status, value, context, output, failure } = this
    return { address, seq, status, value, context, output, tags: [...this.tags], failure }
  }

  #machine(): AnyMachineSnapshot | undefined {
    const { logic } = this.#definition
    if (isMachine(logic)) this.#machineSnapshot ??= resolveMachine(logic, this.#persisted)
    return this.#machineSnapshot
  }
}
