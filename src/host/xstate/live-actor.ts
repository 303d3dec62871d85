import { createActor } from 'xstate'
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate'
import { addressOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { ActorDocument, PersistedSnapshot, TaskDocument } from '../../core/document.ts'
import { TroupeError } from '../../core/errors.ts'
import { encodeJson } from '../../core/json.ts'
import { CHILD_OUTCOME, remoteAddressOf } from '../../core/remote.ts'
import type { ChildOutcome } from '../../core/remote.ts'
import { findRefs, goneRef } from './actor-refs.ts'
import type { Step } from './effects.ts'
import { internals } from './internals.ts'
import type { InspectionEvent, System } from './internals.ts'
import { advance, checkTree, persist } from './shadow.ts'
import type { Shadow } from './shadow.ts'
import { timerKey } from './timers.ts'
import type { DueTimer } from './timers.ts'
import { TreeHost } from './tree-host.ts'
import type { TreeHostOptions } from './tree-host.ts'
import { ViewWatch } from './view-watch.ts'
import { TASK_DONE, TASK_FAILED } from './wrapped-logic.ts'

/**
 * One XState actor tree, hosted. All knowledge of XState's insides (relay, scheduler, task logic, tree walk) stands in
 * this folder; xstate is pinned to 5.33 because of it.
 *
 * Owned by one partition, which calls it from its step phase only.
 *
 * Invariants
 * L1  Between steps the tree is at rest: nothing enters but through a method of this class.
 * L2  Nothing leaves during a step: sends, spawns, task starts, timers and emitted events are collected in `effects`.
 * L3  Code that runs beside the actor (callbacks, observables) starts and hears events only in `effects.after`, so after the commit.
 * L4  What enters from such code while no step runs is handed to `wake` and becomes an event of the mailbox.
 * L5  A timer fires by (key, generation) as the actor has it now, so a cancelled or replaced one never fires.
 */
export interface LiveActorOptions extends TreeHostOptions {
  readonly logic: AnyActorLogic
}

/** The parts of a document that a live actor owns. */
export type LiveParts = Pick<ActorDocument, 'snapshot' | 'timers' | 'tasks' | 'ordinal'>

const SNAPSHOT_PATH = ['snapshot'] as const

/** Where an event comes from, as far as its handling depends on it. */
interface Origin {
  /** The ask that waits for a reply to it. */
  readonly ask?: string | undefined
  readonly child?: { readonly path: string; readonly id: ActorId } | undefined
}

export class LiveActor {
  readonly #host: TreeHost
  readonly #root: AnyActorRef
  #views: ViewWatch | undefined
  #shadow: Shadow | undefined
  #failure: { readonly error: unknown } | undefined

  /** A new actor (`input`), not started yet, or one restored from its document. Throws when a restored one cannot live. */
  constructor(options: LiveActorOptions, from: { readonly input: unknown; readonly ordinal?: number } | { readonly document: ActorDocument }) {
    const saved = 'document' in from ? from.document : undefined
    const host = new TreeHost(options, saved ?? { timers: {}, tasks: {}, ordinal: 'document' in from ? 0 : (from.ordinal ?? 0) })
    this.#host = host
    host.stepping = true
    const start = 'document' in from ? { snapshot: from.document.snapshot as never } : { input: from.input }
    const refs = saved ? findRefs([saved.snapshot, saved.timers, saved.tasks]) : []
    this.#root = createActor(options.logic, { id: addressOf(options.id), inspect: (event: InspectionEvent) => host.inspect(event), ...start } as never) as AnyActorRef
    this.#root.subscribe({ error: error => (this.#failure = { error }) })
    this.#root.on('*', event => host.effects.add('emitted', event))
    host.takeOver(this.#root)
    for (const { holder, key, ref } of refs) holder[key] = host.find(ref.path) ?? goneRef(ref, this.#root)
    host.stepping = false
    if (saved) this.#restore(saved)
  }

  /** Runs the initial state of a new actor. */
  start(): Step {
    return this.#step(() => this.#root.start())
  }

  /** Hands an event to the actor, or to a child in its tree. What a durable child says to its parent counts only while it is a child. */
  send(event: EventObject, path = '', { ask, child }: Origin = {}): Step {
    try {
      return this.#step(() => {
        const ref = this.#host.find(path)
        if (ref && ask !== undefined) this.#host.ask = { request: ask, of: ref }
        if (ref && !this.#host.isStale(event, ref) && (!child || this.#standIn(child.path, child.id))) internals(ref)._send(event)
      })
    } finally {
      this.#host.ask = null
    }
  }

  /** The earliest due timer at `now`. */
  dueTimer(now: number): DueTimer | undefined {
    return this.#host.timers.due(now)
  }

  /** Fires a timer of `dueTimer`. */
  fire({ key, timer }: DueTimer): Step {
    return this.#step(() => {
      if (!this.#host.timers.has(key, timer.generation)) return
      this.#host.timers.drop(key)
      this.#host.timers.loosen(timerKey(timer.source, timer.id))
      const source = this.#host.find(timer.source)
      const target = typeof timer.target === 'string' ? this.#host.find(timer.target) : (timer.target as unknown as AnyActorRef)
      if (target) (this.#root.system as unknown as System)._relay(source, target, timer.event)
    })
  }

  /** Hands a task's final outcome to its stand-in. */
  settleTask(task: TaskDocument, outcome: { readonly output: unknown } | { readonly error: unknown }): Step {
    return this.#step(() => {
      this.#host.tasks.drop(task.id)
      const ref = this.#host.find(task.path)
      const type = 'error' in outcome ? TASK_FAILED : TASK_DONE
      if (ref) internals(ref)._send({ type, task: task.id, ...outcome } as unknown as EventObject)
    })
  }

  /** Changes what is known of a task: its next attempt. */
  updateTask(task: TaskDocument): Step {
    return this.#step(() => this.#host.tasks.put(task))
  }

  hasTimer(key: string, generation: number): boolean {
    return this.#host.timers.has(key, generation)
  }

  /** Forgets a timer whose event could not be handled. */
  dropTimer(key: string): Step {
    return this.#step(() => this.#host.timers.drop(key))
  }

  settleChild(path: string, child: ActorId, outcome: ChildOutcome): Step {
    return this.#step(() => {
      const ref = this.#standIn(path, child)
      if (!ref) return
      internals(ref)._send({ type: CHILD_OUTCOME, child, outcome } as unknown as EventObject)
      if (outcome.type === 'stopped') tellIfHandled(ref, new TroupeError('actor/ended', `${addressOf(child)} threw and was stopped`, { address: addressOf(child) }))
    })
  }

  /** What stands in the tree for a durable child; undefined when another one has come in its place. */
  #standIn(path: string, child: ActorId): AnyActorRef | undefined {
    const ref = this.#host.find(path)
    return ref && remoteAddressOf(ref) === child ? ref : undefined
  }

  stop(): Step {
    return this.#step(() => internals(this.#root)._stop())
  }

  get snapshot(): object {
    return this.#root.getSnapshot() as object
  }

  get status(): PersistedSnapshot['status'] {
    return internals(this.#root)._snapshot.status
  }

  get output(): unknown {
    return internals(this.#root)._snapshot.output
  }

  get tasks(): ReadonlyMap<string, TaskDocument> {
    return this.#host.tasks.all
  }

  /** The task's logic and reference, to run it with. */
  taskRef(task: TaskDocument): AnyActorRef | undefined {
    return this.#host.find(task.path)
  }

  /** Earliest due time of timers and retries. */
  get dueAt(): number | null {
    const [timer, retry] = [this.#host.timers.earliest, this.#host.tasks.earliest]
    return timer === null || retry === null ? (timer ?? retry) : Math.min(timer, retry)
  }

  /** True while something runs beside the actor in this process. */
  get isPinned(): boolean {
    return this.#host.running > 0 || this.#host.tasks.isAnyRunning
  }

  /** The parts of the document that this class owns. */
  parts(): LiveParts {
    return {
      snapshot: persist(this.#shadow as Shadow),
      timers: this.#host.timers.toJSON(),
      tasks: this.#host.tasks.toJSON(),
      ordinal: this.#host.ordinal,
    }
  }

  /** The snapshot after the last step; what it gives stays as it is now, whatever comes later. */
  persisted(): () => PersistedSnapshot {
    const shadow = this.#shadow as Shadow
    return () => persist(shadow)
  }

  /** Whether text made of this actor needs the tagged form. */
  get tagged(): boolean {
    return this.#host.border.tagged
  }

  /** Ends what runs beside the actor, when its memory is dropped. Nothing of it is kept. */
  dispose(): void {
    this.#host.stepping = true
    internals(this.#root)._stop()
    for (const run of this.#host.takeEffects().after) run()
  }

  #step(enter: () => void): Step {
    this.#host.stepping = true
    try {
      enter()
    } finally {
      this.#host.stepping = false
    }
    if (this.#failure) throw this.#named(this.#failure.error)
    const { ops, border } = this.#host
    this.#shadow = advance(this.#shadow, this.#root, SNAPSHOT_PATH, ops, border)
    if (border.freeze && this.#haveViewsChanged()) ops.push([SNAPSHOT_PATH, persist(this.#shadow)])
    return { delta: this.#takeDelta(), effects: this.#host.takeEffects() }
  }

  /** Whether a typed array has changed in place. */
  #haveViewsChanged(): boolean {
    const { unfreezable } = this.#host.border
    return unfreezable !== undefined && (this.#views ??= new ViewWatch()).hasChanged(unfreezable, this.#shadow as Shadow)
  }

  /** XState's own error for an endless loop has no code. */
  #named(error: unknown): unknown {
    if (!(error instanceof Error && error.message.startsWith('Infinite loop detected'))) return error
    const { id, microstepsMax } = this.#host.options
    const limit = Number(/\d+/.exec(error.message)?.[0])
    const whose = limit === microstepsMax ? 'microstepsMax' : 'maxIterations of the machine'
    return new TroupeError('machine/endless-loop', `${addressOf(id)} took more than ${limit} microsteps for one event, the limit ${whose}`, { address: addressOf(id), details: { limit }, cause: error })
  }

  #takeDelta(): string | undefined {
    const { ops, border } = this.#host
    if (ops.length === 0) return undefined
    const delta = encodeJson(ops, border.tagged)
    ops.length = 0
    return delta
  }

  #restore(document: ActorDocument): void {
    this.#host.restoring = true
    if (document.snapshot.status === 'active') {
      const status = this.status
      if (status !== 'active') throw internals(this.#root)._snapshot.error ?? new Error(`the checkpoint restores as ${status}`)
      checkTree(document.snapshot, this.#root.getSnapshot() as object, '')
    }
    this.#host.timers.bind(path => this.#host.find(path))
    this.#host.stepping = true
    this.#root.start()
    this.#host.stepping = false
    this.#host.restoring = false
    if (this.#failure) throw this.#failure.error
    this.#shadow = advance(undefined, this.#root, SNAPSHOT_PATH, [], this.#host.border)
    this.#haveViewsChanged()
    // Callbacks and observables of a restored actor start again; what they lost is theirs (see the table of XState features).
    const { after } = this.#host.takeEffects()
    for (const run of after) this.#host.effects.add('after', run)
  }

  /** Starts what a restored actor had running beside it. */
  resumeLiveCode(): void {
    for (const run of this.#host.takeEffects().after) run()
  }
}

/** Tells the parent of a child as an error what it may do without: one that does not handle it goes on. */
function tellIfHandled(ref: AnyActorRef, error: Error): void {
  const parent = internals(ref)._parent as AnyActorRef
  const event = { type: `xstate.error.actor.${ref.id}`, error, actorId: ref.id }
  const { can } = parent.getSnapshot() as Partial<AnyMachineSnapshot>
  if (can?.call(parent.getSnapshot(), event)) internals(parent)._send(event)
}
