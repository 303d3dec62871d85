import { createActor } from 'xstate'
import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate'
import { actorId, addressOf, childKey, parseActorId, parseAddress } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Op } from '../../core/delta.ts'
import type { ActorDocument, PersistedSnapshot, TaskDocument, TimerDocument } from '../../core/document.ts'
import { TroupeError } from '../../core/errors.ts'
import { linkHost } from '../../core/host-link.ts'
import type { HostLink } from '../../core/host-link.ts'
import { createBorder, decodeJson, encodeJson, seal } from '../../core/json.ts'
import type { Border } from '../../core/json.ts'
import { CHILD_OUTCOME, remoteAddressOf, remoteMachineOf } from '../../core/remote.ts'
import type { ChildOutcome } from '../../core/remote.ts'
import { addressTarget, isReplyTarget } from '../../core/targets.ts'
import { findRefs, goneRef, storedForm } from './actor-refs.ts'
import { QUIET, emptyEffects, isQuiet } from './effects.ts'
import type { Effects, Step } from './effects.ts'
import { internals, pathOf, unescapePart } from './internals.ts'
import type { System } from './internals.ts'
import { isMachine, kindOf } from './logic.ts'
import { encodeOutgoing } from './outgoing.ts'
import { advance, checkTree, persist } from './shadow.ts'
import type { Shadow } from './shadow.ts'
import { OpenTasks } from './open-tasks.ts'
import { Timers, timerKey } from './timers.ts'
import type { DueTimer } from './timers.ts'
import { ViewWatch } from './view-watch.ts'
import { LIVE_FAILED, TASK_DONE, TASK_FAILED, asDeferred, asTask, tellsOfItself } from './wrapped-logic.ts'
import type { LiveHost, TaskHost } from './wrapped-logic.ts'

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
export interface LiveActorOptions {
  readonly id: ActorId
  readonly logic: AnyActorLogic
  readonly mutableContext: boolean
  readonly microstepsMax: number
  readonly jsonDepthMax: number
  readonly payloadBytesMax: number
  now(): number
  /** An event (JSON text) from code beside the actor, for the mailbox of the part of the tree at `path`. */
  wake(path: string, event: string): void
}

/** The parts of a document that a live actor owns. */
export type LiveParts = Pick<ActorDocument, 'snapshot' | 'timers' | 'tasks' | 'ordinal'>
type DocumentParts = Pick<ActorDocument, 'timers' | 'tasks' | 'ordinal'>

const SNAPSHOT_PATH = ['snapshot'] as const
const DELAY_MAX_MS = 100 * 365 * 24 * 60 * 60 * 1000

export class LiveActor {
  readonly #options: LiveActorOptions
  readonly #border: Border
  readonly #timers: Timers
  readonly #tasks: OpenTasks
  readonly #views = new ViewWatch()
  readonly #root: AnyActorRef
  #ordinal: number
  #shadow: Shadow | undefined
  #effects = emptyEffects()
  readonly #ops: Op[] = []
  #stepping = false
  #restoring = false
  #failure: { readonly error: unknown } | undefined
  /** How much code runs beside the actor: it must stay in memory while it does. */
  #running = 0
  /** Tells the children that run such code apart when one follows another under the same id. */
  readonly #births = new WeakMap<AnyActorRef, number>()
  #born = 0

  /** A new actor (`input`), not started yet, or one restored from its document. Throws when a restored one cannot live. */
  constructor(options: LiveActorOptions, from: { readonly input: unknown; readonly ordinal?: number } | { readonly document: ActorDocument }) {
    this.#options = options
    this.#border = createBorder('context/unserializable', options.jsonDepthMax, !options.mutableContext, addressOf(options.id))
    const document: DocumentParts = 'document' in from ? from.document : { timers: {}, tasks: {}, ordinal: from.ordinal ?? 0 }
    this.#timers = new Timers(document.timers, op => this.#ops.push(op))
    this.#tasks = new OpenTasks(document.tasks, op => this.#ops.push(op))
    this.#ordinal = document.ordinal
    const parent = { address: '#parent' }
    let system: System | undefined
    const inspect = (event: { type: string; actorRef: AnyActorRef }): void => {
      if (event.type !== '@xstate.actor') return
      if (!system) {
        // The root, before its initial state exists: from here on only births are looked at, the other inspection events cost nothing.
        internals(event.actorRef)._parent = parent
        system = event.actorRef.system as unknown as System
        system._sendInspectionEvent = inspect
        linkHost(event.actorRef.system, this.#link())
      }
      this.#adopt(event.actorRef)
    }
    this.#stepping = true
    const { id, logic } = options
    const start = 'document' in from ? { snapshot: from.document.snapshot as never } : { input: from.input }
    const refs = 'document' in from ? findRefs([from.document.snapshot, from.document.timers, from.document.tasks]) : []
    this.#root = createActor(logic, { id: addressOf(id), inspect: inspect as never, ...start })
    this.#root.subscribe({ error: error => (this.#failure = { error }) })
    this.#root.on('*', event => this.#effects.emitted.push(event))
    this.#takeOver()
    for (const { holder, key, ref } of refs) holder[key] = this.#find(ref.path) ?? goneRef(ref, this.#root)
    this.#stepping = false
    if ('document' in from) this.#restore(from.document)
  }

  /** Runs the initial state of a new actor. */
  start(): Step {
    return this.#step(() => this.#root.start())
  }

  /** Hands an event to the actor, or to a child in its tree. */
  send(event: EventObject, path = ''): Step {
    return this.#step(() => {
      const ref = this.#find(path)
      if (ref && !this.#isStale(event, ref)) internals(ref)._send(event)
    })
  }

  /** The earliest due timer at `now`. */
  dueTimer(now: number): DueTimer | undefined {
    return this.#timers.due(now)
  }

  /** Fires a timer of `dueTimer`. */
  fire({ key, timer }: DueTimer): Step {
    return this.#step(() => {
      if (!this.#timers.has(key, timer.generation)) return
      this.#timers.drop(key)
      this.#timers.loosen(timerKey(timer.source, timer.id))
      const source = this.#find(timer.source)
      const target = typeof timer.target === 'string' ? this.#find(timer.target) : (timer.target as unknown as AnyActorRef)
      if (target) this.#system()._relay(source, target, timer.event)
    })
  }

  /** Hands a task's final outcome to its stand-in. */
  settleTask(task: TaskDocument, outcome: { readonly output: unknown } | { readonly error: unknown }): Step {
    return this.#step(() => {
      this.#tasks.drop(task.id)
      const ref = this.#find(task.path)
      const type = 'error' in outcome ? TASK_FAILED : TASK_DONE
      if (ref) internals(ref)._send({ type, task: task.id, ...outcome } as unknown as EventObject)
    })
  }

  /** Changes what is known of a task: its next attempt. */
  updateTask(task: TaskDocument): Step {
    return this.#step(() => this.#tasks.put(task))
  }

  hasTimer(key: string, generation: number): boolean {
    return this.#timers.has(key, generation)
  }

  /** Forgets a timer whose event could not be handled. */
  dropTimer(key: string): Step {
    return this.#step(() => this.#timers.drop(key))
  }

  settleChild(path: string, child: ActorId, outcome: ChildOutcome): Step {
    return this.#step(() => {
      const ref = this.#find(path)
      if (ref && remoteAddressOf(ref) === child) internals(ref)._send({ type: CHILD_OUTCOME, child, outcome } as unknown as EventObject)
    })
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
    return this.#tasks.all
  }

  /** The task's logic and reference, to run it with. */
  taskRef(task: TaskDocument): AnyActorRef | undefined {
    return this.#find(task.path)
  }

  /** Earliest due time of timers and retries. */
  get dueAt(): number | null {
    const [timer, retry] = [this.#timers.earliest, this.#tasks.earliest]
    return timer === null || retry === null ? (timer ?? retry) : Math.min(timer, retry)
  }

  /** True while something runs beside the actor in this process. */
  get isPinned(): boolean {
    return this.#running > 0 || this.#tasks.isAnyRunning
  }

  /** The parts of the document that this class owns. */
  parts(): LiveParts {
    return {
      snapshot: persist(this.#shadow as Shadow),
      timers: this.#timers.toJSON(),
      tasks: this.#tasks.toJSON(),
      ordinal: this.#ordinal,
    }
  }

  /** The snapshot after the last step; what it gives stays as it is now, whatever comes later. */
  persisted(): () => PersistedSnapshot {
    const shadow = this.#shadow as Shadow
    return () => persist(shadow)
  }

  /** Whether text made of this actor needs the tagged form. */
  get tagged(): boolean {
    return this.#border.tagged
  }

  /** Ends what runs beside the actor, when its memory is dropped. Nothing of it is kept. */
  dispose(): void {
    this.#stepping = true
    internals(this.#root)._stop()
    for (const run of this.#effects.after) run()
  }

  #step(enter: () => void): Step {
    this.#stepping = true
    try {
      enter()
    } finally {
      this.#stepping = false
    }
    if (this.#failure) throw this.#named(this.#failure.error)
    this.#shadow = advance(this.#shadow, this.#root, SNAPSHOT_PATH, this.#ops, this.#border)
    if (this.#border.freeze && this.#border.unfreezable && this.#views.hasChanged(this.#border.unfreezable, this.#shadow)) this.#ops.push([SNAPSHOT_PATH, persist(this.#shadow)])
    return { delta: this.#takeDelta(), effects: this.#takeEffects() }
  }

  /** XState's own error for an endless loop has no code. */
  #named(error: unknown): unknown {
    if (!(error instanceof Error && error.message.startsWith('Infinite loop detected'))) return error
    const { id, microstepsMax } = this.#options
    const limit = Number(/\d+/.exec(error.message)?.[0])
    const whose = limit === microstepsMax ? 'microstepsMax' : 'maxIterations of the machine'
    return new TroupeError('machine/endless-loop', `${addressOf(id)} took more than ${limit} microsteps for one event, the limit ${whose}`, { address: addressOf(id), details: { limit }, cause: error })
  }

  #takeDelta(): string | undefined {
    if (this.#ops.length === 0) return undefined
    const delta = encodeJson(this.#ops, this.#border.tagged)
    this.#ops.length = 0
    return delta
  }

  /** Most steps let nothing out: they share one empty object. */
  #takeEffects(): Effects {
    const effects = this.#effects
    if (isQuiet(effects)) return QUIET
    this.#effects = emptyEffects()
    return effects
  }

  #restore(document: ActorDocument): void {
    this.#restoring = true
    if (document.snapshot.status === 'active') {
      const status = this.status
      if (status !== 'active') throw internals(this.#root)._snapshot.error ?? new Error(`the checkpoint restores as ${status}`)
      checkTree(document.snapshot, this.#root.getSnapshot() as object, '')
    }
    this.#timers.bind(path => this.#find(path))
    this.#stepping = true
    this.#root.start()
    this.#stepping = false
    this.#restoring = false
    if (this.#failure) throw this.#failure.error
    this.#shadow = advance(undefined, this.#root, SNAPSHOT_PATH, [], this.#border)
    if (this.#border.unfreezable) this.#views.hasChanged(this.#border.unfreezable, this.#shadow)
    const { after } = this.#effects
    this.#effects = emptyEffects()
    // Callbacks and observables of a restored actor start again; what they lost is theirs (see the table of XState features).
    this.#effects.after.push(...after)
  }

  /** Starts what a restored actor had running beside it. */
  resumeLiveCode(): void {
    const { after } = this.#effects
    this.#effects = emptyEffects()
    for (const run of after) run()
  }

  #find(path: string): AnyActorRef | undefined {
    let ref: AnyActorRef | undefined = this.#root
    if (path === '') return ref
    for (const part of path.slice(1).split('/')) {
      const { children = {} } = (ref.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef> }
      const id = unescapePart(part)
      ref = Object.hasOwn(children, id) ? children[id] : undefined
      if (!ref) return undefined
    }
    return ref
  }

  #system(): System {
    return this.#root.system as unknown as System
  }

  /** What wrapped logic may ask of this actor. */
  #host(): TaskHost & LiveHost {
    return {
      nextOrdinal: () => this.#nextOrdinal(),
      isRestoring: () => this.#restoring,
      requestTask: task => {
        this.#tasks.put(task)
        this.#effects.tasks.push(task)
      },
      cancelTask: id => {
        this.#tasks.drop(id)
        this.#effects.cancelled.push(id)
      },
      later: run => void this.#effects.after.push(run),
      count: change => (this.#running += change),
      failed: (self, error) => this.#isCurrent(self) && this.#options.wake(pathOf(self), this.#encodeFailure(self, error)),
    }
  }

  /** Replaces the logic of what must not run inside a step. Called before the child's initial state is made. */
  #adopt(ref: AnyActorRef): void {
    const inner = internals(ref)
    const { logic } = inner
    if (isMachine(logic) && logic.options.maxIterations === Infinity) logic.options.maxIterations = this.#options.microstepsMax
    Object.assign(ref, { toJSON: storedForm })
    const kind = kindOf(logic)
    if (kind === 'task') inner.logic = asTask(logic, this.#host())
    else if (kind === 'live') {
      inner.logic = asDeferred(logic, this.#host())
      this.#births.set(ref, ++this.#born)
    }
  }

  /** Takes the system's relay and scheduler. */
  #takeOver(): void {
    const system = this.#system()
    const relay = system._relay
    system._relay = (source, target, event) => this.#relayOut(target, event) || relay(source, target, event)
    Object.assign(this.#root.system.scheduler, {
      schedule: (source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string) => this.#schedule(source, target, event, delay, id),
      cancel: (source: AnyActorRef, id: string) => this.#isCurrent(source) && this.#timers.drop(timerKey(pathOf(source), id)),
      cancelAll: (ref: AnyActorRef) => this.#timers.dropOf(ref),
    })
  }

  /** Collects what leaves the tree, or comes from code beside it; false for what stays inside. */
  #relayOut(target: AnyActorRef, event: EventObject): boolean {
    // A child with `syncSnapshot` tells its parent its snapshot as it starts: the parent heard that before the restart.
    if (this.#restoring) return true
    const remote = addressTarget(target)
    if (remote) {
      if (remote.address === '#parent') {
        if (!event.type.startsWith('xstate.')) this.#effects.toParent.push(this.#encode(event, 'event'))
      } else if (isReplyTarget(remote)) this.#effects.replies.push(this.#reply(event))
      else this.#effects.sends.push({ to: parseAddress(remote.address, this.#tenant()), path: remote.path, type: event.type, event: this.#encode(event, 'event') })
      return true
    }
    const proxied = remoteAddressOf(target)
    if (proxied !== undefined) {
      this.#effects.sends.push({ to: proxied as ActorId, path: undefined, type: event.type, event: this.#encode(event, 'event') })
      return true
    }
    if (this.#stepping) return false
    if (!this.#isCurrent(target)) return true
    this.#options.wake(pathOf(target), this.#encode(tellsOfItself(event) ? { ...event, birth: this.#births.get(target) } : event, 'event'))
    return true
  }

  #tenant(): string {
    return parseActorId(this.#options.id).tenant
  }

  #reply(event: EventObject): unknown {
    const { value } = event as EventObject & { value: unknown }
    return decodeJson(this.#encode(value, 'reply'))
  }

  #encodeFailure(self: AnyActorRef, error: unknown): string {
    const event = { type: LIVE_FAILED, birth: this.#births.get(self) }
    try {
      return this.#encode({ ...event, error }, 'event')
    } catch {
      return this.#encode({ ...event, error: new Error(String(error)) }, 'event')
    }
  }

  /** What code beside the actor has said of itself means nothing to the child that has come in its place meanwhile. */
  #isStale(event: EventObject & { readonly birth?: unknown }, ref: AnyActorRef): boolean {
    return tellsOfItself(event) && event.birth !== this.#births.get(ref)
  }

  #encode(value: unknown, what: string): string {
    return encodeOutgoing(value, what, this.#options)
  }

  /** A private copy of an event that stays in the tree, references to its actors included. */
  #copyEvent(event: EventObject): EventObject {
    const border = createBorder('event/invalid', this.#options.jsonDepthMax, false, addressOf(this.#options.id))
    seal(event, 'event', border)
    if (border.tagged) this.#border.tagged = true
    const copy = decodeJson<EventObject>(encodeJson(event, border.tagged))
    for (const { holder, key, ref } of findRefs(copy)) holder[key] = this.#find(ref.path) ?? goneRef(ref, this.#root)
    return copy
  }

  #schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void {
    if (!this.#isCurrent(source)) return
    const late = Math.max(0, delay)
    if (!(late <= DELAY_MAX_MS)) throw new TroupeError('timer/invalid', `a delay of ${delay} ms for event '${event.type}' is no time that can come`, { address: addressOf(this.#options.id) })
    const remote = addressTarget(target)
    const durable = remote ? undefined : remoteAddressOf(target)
    const stays = !remote && durable === undefined
    // To an actor that has ended an event says nothing; later another one may have its path.
    if (stays && !(this.#isCurrent(target) && target.getSnapshot().status === 'active')) return
    const generation = this.#nextOrdinal()
    const timer: TimerDocument = {
      id: id ?? `t${generation}`,
      generation,
      source: pathOf(source),
      target: remote ? { ...remote } : durable !== undefined ? { address: addressOf(durable as ActorId) } : pathOf(target),
      event: stays ? this.#copyEvent(event) : (JSON.parse(this.#encode(event, 'event')) as EventObject),
      dueAt: Math.ceil(this.#options.now() + late),
    }
    this.#timers.schedule(timer, { source, target })
  }

  /** False for an actor that is gone, or is stopping while another one has its path. */
  #isCurrent(ref: AnyActorRef): boolean {
    return this.#find(pathOf(ref)) === ref
  }

  #nextOrdinal(): number {
    this.#ops.push([['ordinal'], ++this.#ordinal])
    return this.#ordinal
  }

  #link(): HostLink {
    return {
      childAddress: (proxy: AnyActorRef, machine: string): string => {
        const { id } = this.#options
        return actorId({ tenant: this.#tenant(), machine, key: childKey(id, pathOf(proxy).slice(1), this.#nextOrdinal()) })
      },
      spawn: (proxy: AnyActorRef, address: string, input: unknown): void => {
        if (this.#restoring) return
        const machine = remoteMachineOf(internals(proxy).logic) as string
        const sync = (proxy as unknown as { _syncSnapshot?: boolean })._syncSnapshot === true
        this.#effects.spawns.push({ id: address as ActorId, machine, input: this.#encode(input ?? null, 'input'), path: pathOf(proxy), sync })
      },
      stop: (address: string): void => void this.#effects.stops.push(address as ActorId),
    }
  }
}
