import { createActor } from 'xstate'
import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate'
import { addressOf, childKey, parseAddress, parseActorId, actorId } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Op } from '../../core/delta.ts'
import type { ActorDocument, PersistedSnapshot, TaskDocument, TimerDocument } from '../../core/document.ts'
import { TroupeError } from '../../core/errors.ts'
import { linkHost } from '../../core/host-link.ts'
import { createBorder, decodeJson, encodeJson, exceeds, isActorRef, seal } from '../../core/json.ts'
import type { Border } from '../../core/json.ts'
import { CHILD_OUTCOME, remoteAddressOf, remoteMachineOf } from '../../core/remote.ts'
import type { ChildOutcome } from '../../core/remote.ts'
import { addressTarget, isReplyTarget } from '../../core/targets.ts'
import { findRefs, goneRef } from './actor-refs.ts'
import { isMachine, kindOf } from './logic.ts'
import { advance, persist, restoreOrder } from './shadow.ts'
import type { Shadow } from './shadow.ts'

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

export interface Effects {
  readonly sends: OutgoingEvent[]
  readonly spawns: SpawnRequest[]
  /** Durable children to stop. */
  readonly stops: ActorId[]
  readonly replies: unknown[]
  readonly emitted: EventObject[]
  /** Events for the parent, by `sendParent`. */
  readonly toParent: string[]
  readonly tasks: TaskDocument[]
  readonly cancelled: string[]
  /** What must run only after the commit. */
  readonly after: (() => void)[]
}

export interface OutgoingEvent {
  readonly to: ActorId
  readonly path: string | undefined
  /** JSON text. */
  readonly event: string
}

export interface SpawnRequest {
  readonly id: ActorId
  readonly machine: string
  /** JSON text. */
  readonly input: string
  readonly path: string
  readonly sync: boolean
}

/** What one step did. */
export interface Step {
  /** Delta of the whole document, as JSON text; undefined when nothing changed. */
  readonly delta: string | undefined
  readonly effects: Effects
}

interface Internals {
  _parent: unknown
  logic: AnyActorLogic
  _send(event: EventObject): void
  _stop(): void
  readonly _snapshot: PersistedSnapshot
}

const internals = (ref: AnyActorRef): Internals => ref as unknown as Internals

interface System {
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void
  _sendInspectionEvent(event: { type: string; actorRef: AnyActorRef }): void
}

/** The parts of a document that a live actor owns. */
export type LiveParts = Pick<ActorDocument, 'snapshot' | 'timers' | 'tasks' | 'ordinal'>
type DocumentParts = Pick<ActorDocument, 'timers' | 'tasks' | 'ordinal'>

const DELAY_MAX_MS = 100 * 365 * 24 * 60 * 60 * 1000

/** Effects of a step that has none yet. */
export const emptyEffects = (): Effects => ({ sends: [], spawns: [], stops: [], replies: [], emitted: [], toParent: [], tasks: [], cancelled: [], after: [] })

/** A step in which nothing happened. */
export const noStep = (): Step => ({ delta: undefined, effects: QUIET })

/** The effects of every step that let nothing out. */
export const QUIET: Effects = emptyEffects()

const isQuiet = ({ sends, spawns, stops, replies, emitted, toParent, tasks, cancelled, after }: Effects): boolean =>
  sends.length + spawns.length + stops.length + replies.length + emitted.length + toParent.length + tasks.length + cancelled.length + after.length === 0

/** Path of an actor in its tree: '' for the root, else '/id/id'. */
export function pathOf(ref: AnyActorRef): string {
  const parent = internals(ref)._parent as AnyActorRef | undefined
  return parent && 'logic' in parent ? `${pathOf(parent)}/${escapePart(ref.id)}` : ''
}

const escapePart = (id: string): string => (id.includes('/') || id.includes('~') ? id.replaceAll('~', '~0').replaceAll('/', '~1') : id)
const unescapePart = (part: string): string => (part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part)

const timerKey = (source: string, id: string): string => `${source}|${id}`

export class LiveActor {
  readonly #options: LiveActorOptions
  readonly #border: Border
  readonly #timers: Map<string, TimerDocument>
  readonly #tasks: Map<string, TaskDocument>
  /** The actors behind the paths of each timer: while a child stops, its successor may have its path already. */
  readonly #timerRefs = new Map<string, TimerRefs>()
  /** Copies of what cannot be frozen, to compare by content. */
  #unfrozen: Map<ArrayBufferView, string> | undefined
  readonly #root: AnyActorRef
  #ordinal: number
  #shadow: Shadow | undefined
  #effects = emptyEffects()
  #ops: Op[] = []
  #stepping = false
  #restoring = false
  #failure: { readonly error: unknown } | undefined
  /** How much code runs beside the actor: it must stay in memory while it does. */
  #running = 0

  /** A new actor (`input`), not started yet, or one restored from its document. Throws when a restored one cannot live. */
  constructor(options: LiveActorOptions, from: { readonly input: unknown; readonly ordinal?: number } | { readonly document: ActorDocument }) {
    this.#options = options
    this.#border = createBorder('context/unserializable', options.jsonDepthMax, !options.mutableContext)
    const document: DocumentParts = 'document' in from ? from.document : { timers: {}, tasks: {}, ordinal: from.ordinal ?? 0 }
    this.#timers = new Map(Object.entries(document.timers))
    this.#tasks = new Map(Object.entries(document.tasks))
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
    return this.#step(() => this.#find(path) && internals(this.#find(path) as AnyActorRef)._send(event))
  }

  /** The earliest due timer at `now`. */
  dueTimer(now: number): { readonly key: string; readonly timer: TimerDocument } | undefined {
    let first: { key: string; timer: TimerDocument } | undefined
    for (const [key, timer] of this.#timers) {
      if (timer.dueAt > now) continue
      if (!first || timer.dueAt < first.timer.dueAt || (timer.dueAt === first.timer.dueAt && timer.generation < first.timer.generation)) first = { key, timer }
    }
    return first
  }

  /** Fires a timer of `dueTimer`. */
  fire({ key, timer }: { readonly key: string; readonly timer: TimerDocument }): Step {
    return this.#step(() => {
      if (this.#timers.get(key)?.generation !== timer.generation) return
      this.#dropTimer(key)
      this.#loosen(timerKey(timer.source, timer.id))
      const source = this.#find(timer.source)
      const target = typeof timer.target === 'string' ? this.#find(timer.target) : (timer.target as unknown as AnyActorRef)
      if (target) this.#system()._relay(source, target, timer.event)
    })
  }

  /** Hands a task's final outcome to its stand-in. */
  settleTask(task: TaskDocument, outcome: { readonly output: unknown } | { readonly error: unknown }): Step {
    return this.#step(() => {
      this.#dropTask(task.id)
      const ref = this.#find(task.path)
      const type = 'error' in outcome ? TASK_FAILED : TASK_DONE
      if (ref) internals(ref)._send({ type, task: task.id, ...outcome } as unknown as EventObject)
    })
  }

  /** Changes what is known of a task: its next attempt. */
  updateTask(task: TaskDocument): Step {
    return this.#step(() => this.#putTask(task))
  }

  hasTimer(key: string, generation: number): boolean {
    return this.#timers.get(key)?.generation === generation
  }

  /** Forgets a timer whose event could not be handled. */
  dropTimer(key: string): Step {
    return this.#step(() => this.#dropTimer(key))
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
    return this.#tasks
  }

  /** The task's logic and reference, to run it with. */
  taskRef(task: TaskDocument): AnyActorRef | undefined {
    return this.#find(task.path)
  }

  /** Earliest due time of timers and retries. */
  get dueAt(): number | null {
    let due: number | null = null
    for (const { dueAt } of this.#timers.values()) if (due === null || dueAt < due) due = dueAt
    for (const { dueAt } of this.#tasks.values()) if (dueAt !== null && (due === null || dueAt < due)) due = dueAt
    return due
  }

  /** True while something runs beside the actor in this process. */
  get isPinned(): boolean {
    return this.#running > 0 || [...this.#tasks.values()].some(({ dueAt }) => dueAt === null)
  }

  /** The parts of the document that this class owns. */
  parts(): LiveParts {
    return {
      snapshot: persist(this.#shadow as Shadow),
      timers: Object.fromEntries(this.#timers),
      tasks: Object.fromEntries(this.#tasks),
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
    if (this.#failure) throw this.#failure.error
    this.#shadow = advance(this.#shadow, this.#root, SNAPSHOT_PATH, this.#ops, this.#border)
    if (this.#border.unfreezable.size > 0) this.#compareUnfrozen()
    return { delta: this.#takeDelta(), effects: this.#takeEffects() }
  }

  #takeDelta(): string | undefined {
    if (this.#ops.length === 0) return undefined
    const delta = encodeJson(this.#ops, this.#border.tagged)
    this.#ops = []
    return delta
  }

  /** Most steps let nothing out: they share one empty object. */
  #takeEffects(): Effects {
    const effects = this.#effects
    if (isQuiet(effects)) return QUIET
    this.#effects = emptyEffects()
    return effects
  }

  /** Typed arrays may change in place: when one did, the context is written whole. */
  #compareUnfrozen(): void {
    const last = this.#unfrozen
    const now = new Map<ArrayBufferView, string>()
    let changed = false
    for (const view of this.#border.unfreezable) {
      const content = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('latin1')
      if (last?.has(view) && last.get(view) !== content) changed = true
      now.set(view, content)
    }
    this.#unfrozen = now
    if (changed) this.#ops.push([[...SNAPSHOT_PATH, 'context'], (this.#shadow as Shadow).own.context])
  }

  #restore(document: ActorDocument): void {
    this.#restoring = true
    if (document.snapshot.status === 'active') {
      const status = this.status
      if (status !== 'active') throw internals(this.#root)._snapshot.error ?? new Error(`the checkpoint restores as ${status}`)
      checkTree(document.snapshot, this.#root.getSnapshot() as object, '')
    }
    for (const [key, { source, target }] of this.#timers) {
      this.#timerRefs.set(key, { source: this.#find(source), target: typeof target === 'string' ? this.#find(target) : undefined })
    }
    this.#stepping = true
    this.#root.start()
    this.#stepping = false
    this.#restoring = false
    if (this.#failure) throw this.#failure.error
    this.#shadow = advance(undefined, this.#root, SNAPSHOT_PATH, [], this.#border)
    if (this.#border.unfreezable.size > 0) this.#compareUnfrozen()
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
      ref = (ref?.getSnapshot() as { children?: Record<string, AnyActorRef> } | undefined)?.children?.[unescapePart(part)]
    }
    return ref
  }

  #system(): System {
    return this.#root.system as unknown as System
  }

  /** Replaces the logic of what must not run inside a step. Called before the child's initial state is made. */
  #adopt(ref: AnyActorRef): void {
    const inner = internals(ref)
    const { logic } = inner
    if (isMachine(logic) && logic.options.maxIterations === Infinity) logic.options.maxIterations = this.#options.microstepsMax
    Object.assign(ref, { toJSON: () => ({ xstate$$type: 1, id: ref.id, path: pathOf(ref) }) })
    const kind = kindOf(logic)
    if (kind === 'task') inner.logic = this.#asTask(logic)
    else if (kind === 'live') inner.logic = this.#asDeferred(logic)
  }

  /** Promise logic as a request: the host runs it after the commit and brings back what came of it. */
  #asTask(logic: AnyActorLogic): AnyActorLogic {
    return {
      ...logic,
      getInitialSnapshot: (_scope: unknown, input: unknown) => ({ status: 'active', output: undefined, error: undefined, input, task: String(this.#nextOrdinal()) }),
      getPersistedSnapshot: (state: unknown) => state,
      restoreSnapshot: (state: unknown) => state,
      start: (state: TaskState, { self }: { self: AnyActorRef }) => {
        if (state.status !== 'active' || this.#restoring) return
        const request: TaskDocument = { id: state.task, path: pathOf(self), input: state.input, attempt: 1, failures: 0, dueAt: null, crashes: 0 }
        this.#putTask(request)
        this.#effects.tasks.push(request)
      },
      transition: (state: TaskState, event: EventObject & { task?: string; output?: unknown; error?: unknown }) => {
        if (state.status !== 'active') return state
        if (event.type === 'xstate.stop') {
          this.#dropTask(state.task)
          this.#effects.cancelled.push(state.task)
          return { ...state, status: 'stopped', input: undefined }
        }
        if (event.task !== state.task) return state
        if (event.type === TASK_DONE) return { ...state, status: 'done', output: event.output, input: undefined }
        if (event.type === TASK_FAILED) return { ...state, status: 'error', error: event.error, input: undefined }
        return state
      },
    } as unknown as AnyActorLogic
  }

  /** Live code (callbacks, observables), each of whose entry points waits for the commit. */
  #asDeferred(logic: AnyActorLogic): AnyActorLogic {
    let stopped = false
    const later = (run: () => void): void => void this.#effects.after.push(run)
    /** What it throws ends it with that error, as if it had thrown inside the step. */
    const guarded = (self: AnyActorRef, run: () => void) => (): void => {
      if (stopped) return
      try {
        run()
      } catch (error) {
        stopped = true
        this.#options.wake(pathOf(self), this.#encodeFailure(error))
      }
    }
    return {
      ...logic,
      start: (state: never, scope: { self: AnyActorRef }) => {
        this.#running++
        later(guarded(scope.self, () => logic.start?.(state, scope as never)))
      },
      transition: (state: never, event: EventObject & { error?: unknown }, scope: { self: AnyActorRef }) => {
        if (event.type === LIVE_FAILED) {
          this.#running--
          return { ...(state as object), status: 'error', error: event.error }
        }
        if (event.type === 'xstate.stop') {
          stopped = true
          this.#running--
          later(() => ignoreFailure(() => logic.transition(state, event, scope as never)))
          return { ...(state as object), status: 'stopped', error: undefined, _subscription: undefined }
        }
        if (event.type.startsWith('xstate.observable.')) {
          if (event.type !== 'xstate.observable.next') this.#running--
          return logic.transition(state, event, scope as never)
        }
        later(guarded(scope.self, () => void logic.transition(state, event, scope as never)))
        return state
      },
    } as unknown as AnyActorLogic
  }

  /** Takes the system's relay and scheduler. */
  #takeOver(): void {
    const system = this.#system()
    const relay = system._relay
    system._relay = (source, target, event) => this.#relayOut(target, event) || relay(source, target, event)
    Object.assign(this.#root.system.scheduler, {
      schedule: (source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string) => this.#schedule(source, target, event, delay, id),
      cancel: (source: AnyActorRef, id: string) => this.#isCurrent(source) && this.#dropTimer(timerKey(pathOf(source), id)),
      cancelAll: (ref: AnyActorRef) => this.#dropTimersOf(ref),
    })
  }

  /** Collects what leaves the tree, or comes from code beside it; false for what stays inside. */
  #relayOut(target: AnyActorRef, event: EventObject): boolean {
    // A child with `syncSnapshot` tells its parent its snapshot as it starts: the parent heard that before the restart.
    if (this.#restoring) return true
    const remote = addressTarget(target)
    if (remote) {
      if (remote.address === '#parent') {
        if (!event.type.startsWith('xstate.')) this.#effects.toParent.push(this.#encodeEvent(event))
      } else if (isReplyTarget(remote)) this.#effects.replies.push(this.#reply(event))
      else this.#effects.sends.push({ to: parseAddress(remote.address, this.#tenant()), path: remote.path, event: this.#encodeEvent(event) })
      return true
    }
    const proxied = remoteAddressOf(target)
    if (proxied !== undefined) {
      this.#effects.sends.push({ to: proxied as ActorId, path: undefined, event: this.#encodeEvent(event) })
      return true
    }
    if (this.#stepping) return false
    if (!this.#isCurrent(target)) return true
    this.#options.wake(pathOf(target), this.#encodeEvent(event))
    return true
  }

  #tenant(): string {
    return parseActorId(this.#options.id).tenant
  }

  #reply(event: EventObject): unknown {
    const { value } = event as EventObject & { value: unknown }
    return JSON.parse(this.#encode(value, 'reply')) as unknown
  }

  #encodeFailure(error: unknown): string {
    try {
      return this.#encodeEvent({ type: LIVE_FAILED, error } as EventObject)
    } catch {
      return this.#encodeEvent({ type: LIVE_FAILED, error: new Error(String(error)) } as EventObject)
    }
  }

  #encodeEvent(event: EventObject): string {
    return this.#encode(event, 'event')
  }

  /** A private copy of an event that stays in the tree, references to its actors included. */
  #copyEvent(event: EventObject): EventObject {
    const border = createBorder('event/invalid', this.#options.jsonDepthMax, false)
    seal(event, 'event', border)
    if (border.tagged) this.#border.tagged = true
    const copy = decodeJson<EventObject>(encodeJson(event, border.tagged))
    for (const { holder, key, ref } of findRefs(copy)) holder[key] = this.#find(ref.path) ?? goneRef(ref, this.#root)
    return copy
  }

  /** Text of something that leaves; references to actors become addresses. */
  #encode(value: unknown, what: string): string {
    const border = createBorder('event/invalid', this.#options.jsonDepthMax, false)
    seal(value, what, border)
    const text = encodeJson(value, border.tagged)
    const bytes = exceeds(text, this.#options.payloadBytesMax)
    if (bytes !== undefined) {
      const limit = this.#options.payloadBytesMax
      throw new TroupeError('payload/too-large', `the ${what} has ${bytes} bytes, the limit payloadBytesMax is ${limit}`, { address: addressOf(this.#options.id), details: { bytes, limit } })
    }
    return text.includes('"xstate$$type"') ? this.#encodeRefs(value) : text
  }

  #encodeRefs(value: unknown): string {
    const translate = (inner: unknown): unknown => {
      if (typeof inner !== 'object' || inner === null) return inner
      if (isActorRef(inner)) return this.#addressOfRef(inner as AnyActorRef)
      if (Array.isArray(inner)) return inner.map(translate)
      return Object.fromEntries(Object.entries(inner).map(([key, part]) => [key, translate(part)]))
    }
    return JSON.stringify(translate(value))
  }

  #addressOfRef(ref: AnyActorRef): { address: string; path?: string } {
    const proxied = remoteAddressOf(ref)
    if (proxied !== undefined) return { address: addressOf(proxied as ActorId) }
    const path = pathOf(ref)
    const address = addressOf(this.#options.id)
    return path === '' ? { address } : { address, path }
  }

  #schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void {
    if (!this.#isCurrent(source)) return
    const late = Math.max(0, delay)
    if (!(late <= DELAY_MAX_MS)) throw new TroupeError('timer/invalid', `a delay of ${delay} ms for event '${event.type}' is no time that can come`, { address: addressOf(this.#options.id) })
    const generation = this.#nextOrdinal()
    const from = pathOf(source)
    const remote = addressTarget(target)
    const proxied = remote ? undefined : remoteAddressOf(target)
    const stays = !remote && proxied === undefined
    // To an actor that has ended an event says nothing; later another one may have its path.
    if (stays && !(this.#isCurrent(target) && target.getSnapshot().status === 'active')) return
    const timer: TimerDocument = {
      id: id ?? `t${generation}`,
      generation,
      source: from,
      target: remote ? { ...remote } : proxied !== undefined ? { address: addressOf(proxied as ActorId) } : pathOf(target),
      event: stays ? this.#copyEvent(event) : (JSON.parse(this.#encodeEvent(event)) as EventObject),
      dueAt: Math.ceil(this.#options.now() + late),
    }
    const key = timerKey(from, timer.id)
    this.#loosen(key)
    this.#putTimer(key, timer, { source, target })
  }

  #putTimer(key: string, timer: TimerDocument, refs: TimerRefs): void {
    this.#timers.set(key, timer)
    this.#timerRefs.set(key, refs)
    this.#ops.push([['timers', key], timer])
  }

  #dropTimer(key: string): void {
    this.#timerRefs.delete(key)
    if (this.#timers.delete(key)) this.#ops.push([['timers', key]])
  }

  /** As in XState, a timer whose id is used again runs on, but `cancel` cannot reach it any more; nor the newer one once the older has fired. */
  #loosen(key: string): void {
    const timer = this.#timers.get(key)
    if (!timer) return
    const refs = this.#timerRefs.get(key) ?? { source: undefined, target: undefined }
    this.#dropTimer(key)
    this.#putTimer(`${key}|${timer.generation}`, timer, refs)
  }

  /** False for an actor that is gone, or is stopping while another one has its path. */
  #isCurrent(ref: AnyActorRef): boolean {
    return this.#find(pathOf(ref)) === ref
  }

  /** When an actor of the tree stops, so do its timers, and those of others that aim at it: a new child of that id is another actor. */
  #dropTimersOf(ref: AnyActorRef): void {
    for (const [key, { source, target }] of this.#timerRefs) if (source === ref || target === ref) this.#dropTimer(key)
  }

  #putTask(task: TaskDocument): void {
    this.#tasks.set(task.id, task)
    this.#ops.push([['tasks', task.id], task])
  }

  #dropTask(id: string): void {
    if (this.#tasks.delete(id)) this.#ops.push([['tasks', id]])
  }

  #nextOrdinal(): number {
    this.#ops.push([['ordinal'], ++this.#ordinal])
    return this.#ordinal
  }

  #link() {
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

interface TimerRefs {
  readonly source: AnyActorRef | undefined
  readonly target: AnyActorRef | undefined
}

interface TaskState {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  readonly task: string
  readonly input: unknown
}

const SNAPSHOT_PATH = ['snapshot'] as const
const LIVE_FAILED = 'troupe.live.failed'
const TASK_DONE = 'troupe.task.done'
const TASK_FAILED = 'troupe.task.failed'

/** XState drops a child whose source is gone without a word: its parent would wait for it for ever. */
function checkTree(saved: PersistedSnapshot, snapshot: object, path: string): void {
  restoreOrder(saved, snapshot)
  for (const [id, child] of Object.entries(saved.children ?? {})) {
    const ref = (snapshot as { children?: Record<string, AnyActorRef> }).children?.[id]
    if (!ref) throw new Error(`child '${path}${id}' has source '${child.src}', which the machine does not have`)
    checkTree(child.snapshot, ref.getSnapshot() as object, `${path}${id}/`)
  }
}

function ignoreFailure(run: () => void): void {
  try {
    run()
  } catch {
    // Cleaning up code that never started or has already ended.
  }
}

