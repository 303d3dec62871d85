import type { AnyActorRef, EventObject } from 'xstate'
import { actorId, addressOf, childKey, parseActorId, parseAddress } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Op } from '../../core/delta.ts'
import type { ActorDocument, TaskDocument, TimerDocument } from '../../core/document.ts'
import { TroupeError } from '../../core/errors.ts'
import { linkHost } from '../../core/host-link.ts'
import type { HostLink } from '../../core/host-link.ts'
import { createBorder, decodeJson, encodeJson, seal } from '../../core/json.ts'
import type { Border } from '../../core/json.ts'
import { remoteAddressOf, remoteMachineOf } from '../../core/remote.ts'
import { addressTarget, isLetterTarget, isReplyTarget } from '../../core/targets.ts'
import type { Letter } from '../../core/targets.ts'
import { findRefs, goneRef, storedForm } from './actor-refs.ts'
import { EffectsBuffer, QUIET } from './effects.ts'
import type { Effects, Reply } from './effects.ts'
import { internals, pathOf, unescapePart } from './internals.ts'
import type { InspectionEvent, System } from './internals.ts'
import { isMachine, kindOf } from './logic.ts'
import { OpenTasks } from './open-tasks.ts'
import { encodeOutgoing } from './outgoing.ts'
import { Timers, timerKey } from './timers.ts'
import { LIVE_FAILED, asDeferred, asTask, tellsOfItself } from './wrapped-logic.ts'
import type { LiveHost, TaskHost } from './wrapped-logic.ts'

export interface TreeHostOptions {
  readonly id: ActorId
  readonly mutableContext: boolean
  readonly microstepsMax: number
  readonly jsonDepthMax: number
  readonly payloadBytesMax: number
  now(): number
  /** An event (JSON text) from code beside the actor, for the mailbox of the part of the tree at `path`. */
  wake(path: string, event: string): void
}

const DELAY_MAX_MS = 100 * 365 * 24 * 60 * 60 * 1000
const BIRTH = Symbol('troupe.birth')
/** What `sendParent` of a root aims at. */
const PARENT = Object.freeze({ address: '#parent' })

/**
 * What the actors of one tree reach instead of the process: their relay, scheduler and inspector, and the host of their
 * tasks, remote children and live code. It lets nothing out and collects what wants to leave in `effects`.
 *
 * One per live actor, which owns it and empties it after each step. A class with methods in place of closures, and its
 * parts made when they are needed: thousands of actors are alive at once, and each byte of them is copied by the
 * garbage collector.
 */
export class TreeHost implements HostLink, TaskHost, LiveHost {
  readonly options: TreeHostOptions
  readonly border: Border
  readonly ops: Op[] = []
  readonly timers: Timers
  readonly tasks: OpenTasks
  effects = new EffectsBuffer()
  ordinal: number
  stepping = false
  restoring = false
  /** Of the event at hand, and the actor that it goes to. */
  ask: { readonly request: string; readonly of: AnyActorRef } | null = null
  /** How much code runs beside the actor: it must stay in memory while it does. */
  running = 0
  #root: AnyActorRef | undefined
  #births = 0

  constructor(options: TreeHostOptions, { timers, tasks, ordinal }: Pick<ActorDocument, 'timers' | 'tasks' | 'ordinal'>) {
    this.options = options
    this.border = createBorder('context/unserializable', options.jsonDepthMax, !options.mutableContext, addressOf(options.id))
    this.timers = new Timers(timers, this.ops)
    this.tasks = new OpenTasks(tasks, this.ops)
    this.ordinal = ordinal
  }

  /** Hears of each actor of the tree before its initial state exists; of the root first. */
  inspect({ type, actorRef }: InspectionEvent): void {
    if (type !== '@xstate.actor') return
    if (!this.#root) {
      this.#root = actorRef
      internals(actorRef)._parent = PARENT
      const system = actorRef.system as unknown as System
      // From here on only births are looked at, the other inspection events cost nothing.
      system._sendInspectionEvent = event => this.inspect(event)
      linkHost(actorRef.system, this)
    }
    this.#adopt(actorRef)
  }

  /** Replaces the logic of what must not run inside a step. */
  #adopt(ref: AnyActorRef): void {
    const inner = internals(ref)
    const { logic } = inner
    if (isMachine(logic) && logic.options.maxIterations === Infinity) logic.options.maxIterations = this.options.microstepsMax
    ;(ref as unknown as { toJSON: unknown }).toJSON = storedForm
    const kind = kindOf(logic)
    if (kind === 'task') inner.logic = asTask(logic)
    else if (kind === 'live') {
      inner.logic = asDeferred(logic, this)
      // Tells such children apart when one follows another under the same id.
      ;(ref as Born)[BIRTH] = ++this.#births
    }
  }

  /** Takes the system's relay and scheduler, once the root is made. */
  takeOver(root: AnyActorRef): void {
    this.#root = root
    const system = root.system as unknown as System
    system._relay = (source, target, event) => {
      if (!this.#relayOut(source, target, event)) internals(target)._send(event)
    }
    system.scheduler = this
  }

  takeEffects(): Effects {
    const { effects } = this
    if (effects.isQuiet) return QUIET
    this.effects = new EffectsBuffer()
    return effects
  }

  find(path: string): AnyActorRef | undefined {
    let ref: AnyActorRef | undefined = this.#root
    if (path === '') return ref
    for (const part of path.slice(1).split('/')) {
      const { children = {} } = (ref?.getSnapshot() ?? {}) as { children?: Record<string, AnyActorRef> }
      const id = unescapePart(part)
      ref = Object.hasOwn(children, id) ? children[id] : undefined
      if (!ref) return undefined
    }
    return ref
  }

  /** False for an actor that is gone, or is stopping while another one has its path. */
  #isCurrent(ref: AnyActorRef): boolean {
    return this.find(pathOf(ref)) === ref
  }

  /** What code beside the actor has said of itself means nothing to the child that has come in its place meanwhile. */
  isStale(event: EventObject & { readonly birth?: unknown }, ref: AnyActorRef): boolean {
    return tellsOfItself(event) && event.birth !== (ref as Born)[BIRTH]
  }

  nextOrdinal(): number {
    this.ops.push([['ordinal'], ++this.ordinal])
    return this.ordinal
  }

  // ── tasks and live code ───────────────────────────────────────────────────────────────────────────────────

  requestTask(task: TaskDocument): void {
    this.tasks.put(task)
    this.effects.add('tasks', task)
  }

  cancelTask(id: string): void {
    this.tasks.drop(id)
    this.effects.add('cancelled', id)
  }

  later(run: () => void): void {
    this.effects.add('after', run)
  }

  count(change: 1 | -1): void {
    this.running += change
  }

  failed(self: AnyActorRef, error: unknown): void {
    if (this.#isCurrent(self)) this.options.wake(pathOf(self), this.#encodeFailure(self, error))
  }

  #encodeFailure(self: AnyActorRef, error: unknown): string {
    const event = { type: LIVE_FAILED, birth: (self as Born)[BIRTH] }
    try {
      return this.#encode({ ...event, error }, 'event')
    } catch {
      return this.#encode({ ...event, error: new Error(String(error)) }, 'event')
    }
  }

  // ── durable children ──────────────────────────────────────────────────────────────────────────────────────

  childAddress(proxy: AnyActorRef, machine: string, spread: boolean): string {
    return actorId({ tenant: this.#tenant(), machine, key: childKey(this.options.id, pathOf(proxy).slice(1), this.nextOrdinal(), spread) })
  }

  spawn(proxy: AnyActorRef, address: string, input: unknown): void {
    if (this.restoring) return
    const machine = remoteMachineOf(internals(proxy).logic) as string
    const sync = (proxy as unknown as { _syncSnapshot?: boolean })._syncSnapshot === true
    this.effects.add('spawns', { id: address as ActorId, machine, input: this.#encode(input ?? null, 'input'), path: pathOf(proxy), sync })
  }

  stop(address: string): void {
    this.effects.add('stops', address as ActorId)
  }

  askAtHand(self: AnyActorRef): string | null {
    return self === this.ask?.of ? this.ask.request : null
  }

  #tenant(): string {
    return parseActorId(this.options.id).tenant
  }

  // ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────

  /** Collects what leaves the tree, or comes from code beside it; false for what stays inside. */
  #relayOut(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): boolean {
    // A child with `syncSnapshot` tells its parent its snapshot as it starts: the parent heard that before the restart.
    if (this.restoring) return true
    const remote = addressTarget(target)
    if (remote) {
      if (remote.address === PARENT.address) {
        if (!event.type.startsWith('xstate.')) this.effects.add('toParent', this.#encode(event, 'event'))
      } else if (isReplyTarget(remote)) this.effects.add('replies', this.#reply(event))
      else if (isLetterTarget(remote)) this.effects.add('letters', this.#letter(source, event))
      else this.effects.add('sends', { to: parseAddress(remote.address, this.#tenant()), path: remote.path, type: event.type, event: this.#encode(event, 'event') })
      return true
    }
    const proxied = remoteAddressOf(target)
    if (proxied !== undefined) {
      this.effects.add('sends', { to: proxied as ActorId, path: undefined, type: event.type, event: this.#encode(event, 'event') })
      return true
    }
    if (this.stepping) return false
    if (!this.#isCurrent(target)) return true
    this.options.wake(pathOf(target), this.#encode(tellsOfItself(event) ? { ...event, birth: (target as Born)[BIRTH] } : event, 'event'))
    return true
  }

  #reply(event: EventObject): Reply {
    const { value, to } = event as EventObject & Reply
    return { value: decodeJson(this.#encode(value, 'reply')), ...(to !== undefined && { to }) }
  }

  #letter(source: AnyActorRef | undefined, event: EventObject): Effects['letters'][number] {
    const { letter } = event as EventObject & { letter: Letter }
    return { path: source ? pathOf(source) : '', event: this.#encode(letter.event, 'event'), error: letter.error }
  }

  #encode(value: unknown, what: string): string {
    return encodeOutgoing(value, what, this.options)
  }

  // ── the scheduler of the tree ─────────────────────────────────────────────────────────────────────────────

  schedule(source: AnyActorRef, target: AnyActorRef, event: EventObject, delay: number, id?: string): void {
    if (!this.#isCurrent(source)) return
    const late = Math.max(0, delay)
    if (!(late <= DELAY_MAX_MS)) throw new TroupeError('timer/invalid', `a delay of ${delay} ms for event '${event.type}' is no time that can come`, { address: addressOf(this.options.id) })
    const remote = addressTarget(target)
    const durable = remote ? undefined : remoteAddressOf(target)
    const stays = !remote && durable === undefined
    // To an actor that has ended an event says nothing; later another one may have its path.
    if (stays && !(this.#isCurrent(target) && target.getSnapshot().status === 'active')) return
    const generation = this.nextOrdinal()
    const timer: TimerDocument = {
      id: id ?? `t${generation}`,
      generation,
      source: pathOf(source),
      target: remote ? { ...remote } : durable !== undefined ? { address: addressOf(durable as ActorId) } : pathOf(target),
      event: stays ? this.#copyEvent(event) : (JSON.parse(this.#encode(event, 'event')) as EventObject),
      dueAt: Math.ceil(this.options.now() + late),
    }
    this.timers.schedule(timer, { source, target })
  }

  cancel(source: AnyActorRef, id: string): void {
    if (this.#isCurrent(source)) this.timers.drop(timerKey(pathOf(source), id))
  }

  cancelAll(ref: AnyActorRef): void {
    this.timers.dropOf(ref)
  }

  /** A private copy of an event that stays in the tree, references to its actors included. */
  #copyEvent(event: EventObject): EventObject {
    const border = createBorder('event/invalid', this.options.jsonDepthMax, false, addressOf(this.options.id))
    seal(event, 'event', border)
    if (border.tagged) this.border.tagged = true
    const copy = decodeJson<EventObject>(encodeJson(event, border.tagged))
    for (const { holder, key, ref } of findRefs(copy)) holder[key] = this.find(ref.path) ?? goneRef(ref, this.#root as AnyActorRef)
    return copy
  }
}

type Born = AnyActorRef & { [BIRTH]?: number }
