import type { AnyActorLogic, EventFromLogic, InputFrom, OutputFrom } from 'xstate'
import { actorId, addressOf, isSpawnedKey, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import { pageSize } from '../core/limits.ts'
import type { JournalEntry } from '../core/journal.ts'
import type { Body, Message } from '../core/message.ts'
import { liveStatuses } from '../core/store.ts'
import type { Definition } from './definition.ts'
import type { HostEnv } from './env.ts'
import type { Node } from './node.ts'
import { encodeEvent, encodePayload } from './payload.ts'
import type { Reader } from './reader.ts'
import { request } from './request.ts'
import { ActorSnapshot } from './snapshot.ts'
import type { NextEvent, Tag } from './snapshot.ts'
import { endedError } from './status.ts'
import { Wait, timeoutError } from './wait.ts'
import { Watch } from './watch.ts'
import type { WatchOptions, WatchedProgress, WatchedStep } from './watch.ts'

export interface SendOptions {
  /** A second send with the same key and event is accepted and does nothing; with another event it is refused. */
  readonly idempotencyKey?: string
  /** W3C trace context, handed on with everything this event causes. */
  readonly traceparent?: string
}

/** What an ask waits for beyond the processing of its event. */
export type Until<TLogic extends AnyActorLogic> = 'processed' | 'reply' | { readonly tag: Tag<TLogic> } | ((snapshot: ActorSnapshot<TLogic>) => boolean)

export interface AskOptions<TLogic extends AnyActorLogic> extends SendOptions {
  /** Default 'processed'. */
  readonly until?: Until<TLogic>
  /** Milliseconds to wait. Default 30,000. */
  readonly timeout?: number
  /** Ends the wait; the event stays accepted. */
  readonly signal?: AbortSignal
}

export interface HandleParts {
  readonly env: HostEnv
  readonly node: Node
  readonly reader: Reader
}

const ASK_TIMEOUT_MS = 30_000
export const CANCEL_GRACE_MS = 5_000

type InputArguments<TLogic extends AnyActorLogic> = undefined extends InputFrom<TLogic> ? [input?: InputFrom<TLogic>] : [input: InputFrom<TLogic>]

/**
 * One durable actor, by its address. Holds nothing: make as many as you like, before or after the actor exists,
 * in any process that has the store open.
 */
export class ActorHandle<TLogic extends AnyActorLogic = AnyActorLogic> {
  readonly #parts: HandleParts
  readonly #id: ActorId

  constructor(parts: HandleParts, id: ActorId) {
    this.#parts = parts
    this.#id = id
  }

  /** `machine/key` */
  get address(): string {
    return addressOf(this.#id)
  }

  /**
   * Starts the actor; resolves when that is durable. The same start twice is one start.
   * Throws `actor/exists` when it was started with another input, `actor/limit`, `payload/too-large`.
   */
  async start(...[input]: InputArguments<TLogic>): Promise<void> {
    if (isSpawnedKey(parseActorId(this.#id).key)) throw new TroupeError('address/invalid', `the key of ${this.address} has a '>', which marks spawned actors`, { address: this.address })
    await this.#request({ kind: 'start', input: encodePayload(this.#definition(), this.address, input ?? null, 'input') })
  }

  /** Sends an event; resolves when it is durable. Throws `event/invalid`, `actor/unknown`, `actor/ended`, `mailbox/full`, `payload/too-large`. */
  send(event: EventFromLogic<TLogic>, options: SendOptions = {}): Promise<void> {
    // Without `async`: this is the hot call of the API, and each promise of it is there a hundred thousand times.
    try {
      const { idempotencyKey: key } = options
      const text = encodeEvent(this.#definition(), this.address, event)
      const message = this.#message(key === undefined ? { kind: 'event', event: text } : { kind: 'event', event: text, key }, options)
      return this.#isOwned() ? this.#parts.node.post(message, this.#definition().limits.mailboxDepthMax) : this.#sendElsewhere(message)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  async #sendElsewhere(message: Message<Body>): Promise<void> {
    await this.#checkTakesEvents(message)
    // To this node, should the partition have come to it meanwhile: nobody waits for the outcome either way.
    await this.#parts.node.post(message, this.#definition().limits.mailboxDepthMax)
  }

  /**
   * Sends an event and waits: for its processing, a `reply`, a tag or a predicate. Resolves with the state at that step.
   * Throws as `send` does, and `event/poisoned`, `ask/timeout`, `actor/ended`; in the code of a task `ask/deadlock` too.
   *
   * @example
   * const { context } = await order.ask({ type: 'PAY' }, { until: { tag: 'settled' }, timeout: 10_000 })
   */
  async ask(event: EventFromLogic<TLogic>, options: AskOptions<TLogic> = {}): Promise<ActorSnapshot<TLogic>> {
    const { until = 'processed', timeout = ASK_TIMEOUT_MS, signal: leave, idempotencyKey } = options
    const { env, node, reader } = this.#parts
    const text = encodeEvent(this.#definition(), this.address, event)
    const request = env.random.id()
    const key = idempotencyKey === undefined ? {} : { key: idempotencyKey }
    const ask = until === 'reply' ? { ask: { node: env.node, request: `${request}:reply`, timeoutMs: timeout } } : {}
    const message: Message<Body> = { ...this.#message({ kind: 'event', event: text, ...key, ...ask }, options), reply: { node: env.node, request } }
    const work = async (signal: AbortSignal, wait: Wait | undefined): Promise<ActorSnapshot> => {
      const replied = until === 'reply' ? node.expect(`${request}:reply`) : undefined
      replied?.catch(() => undefined)
      if (replied) wait?.begin({ request: `${request}:reply`, event: (event as { readonly type: string }).type })
      const { seq, snapshot } = await this.#submitAsk(message)
      if (replied) {
        const { seq: at, value, snapshot: answered } = await replied
        return answered?.() ?? reader.snapshot(this.#id, at, value)
      }
      const processed = snapshot?.() ?? (await reader.snapshot(this.#id, seq))
      return until === 'processed' ? processed : this.#waitFor(processed, predicateOf(until as Until<AnyActorLogic>), signal, wait)
    }
    try {
      return (await this.#within(timeout, work, leave)) as ActorSnapshot<TLogic>
    } finally {
      node.forget(request)
      node.forget(`${request}:reply`)
    }
  }

  /** The last committed state. Throws `actor/unknown`. */
  async snapshot(): Promise<ActorSnapshot<TLogic>> {
    const { node, reader } = this.#parts
    const view = node.view(this.#id)
    return (view ? new ActorSnapshot(this.#definition(), view()) : await reader.snapshot(this.#id)) as ActorSnapshot<TLogic>
  }

  /** Whether the event would cause a transition now. */
  async can(event: EventFromLogic<TLogic>): Promise<boolean> {
    return (await this.snapshot()).can(event)
  }

  /** The events that are legal now, with their schemas where given. */
  async nextEvents(): Promise<readonly NextEvent[]> {
    return (await this.snapshot()).nextEvents()
  }

  /**
   * Waits for the end, for ever or so many milliseconds, and resolves with the output. Throws the failure, `ask/timeout`, or
   * `actor/ended` when it was stopped or cancelled; in the code of a task `ask/deadlock` too.
   */
  async result({ timeout, signal: leave }: { readonly timeout?: number; readonly signal?: AbortSignal } = {}): Promise<OutputFrom<TLogic>> {
    const isBound = timeout !== undefined || leave !== undefined || this.#parts.node.asker !== undefined
    const done = await (isBound ? this.#within(timeout, (signal, wait) => this.#ended(signal, wait), leave) : this.#ended())
    if (done.status === 'done') return done.output as OutputFrom<TLogic>
    throw endedError(done)
  }

  /**
   * Waits until a tag or a predicate holds, in the present state or after a later step. Throws `ask/timeout`, in the code of
   * a task `ask/deadlock`, and `actor/ended` or `actor/failed` when the actor ends before.
   */
  async waitFor(until: Exclude<Until<TLogic>, string>, { timeout = ASK_TIMEOUT_MS }: { readonly timeout?: number } = {}): Promise<ActorSnapshot<TLogic>> {
    const holds = predicateOf(until as Until<AnyActorLogic>)
    return (await this.#within(timeout, async (signal, wait) => this.#waitFor(await this.snapshot(), holds, signal, wait))) as ActorSnapshot<TLogic>
  }

  /**
   * Follows the actor: every journal entry above `from` (default: the present), each with the state after it, until the
   * actor ends. Reads the journal, so a slow reader loses nothing that is retained, and `seq` resumes where it left off.
   * Throws `actor/unknown`, `history/trimmed`, and `config/invalid` for a position that the actor has not reached.
   */
  watch(options: WatchOptions & { readonly progress: true }): Watch<WatchedStep<TLogic> | WatchedProgress>
  watch(options?: WatchOptions): Watch<WatchedStep<TLogic>>
  watch(options: WatchOptions = {}): Watch<WatchedStep<TLogic> | WatchedProgress> {
    return new Watch(this.#parts, this.#id, options)
  }

  /** Past steps, oldest first: entries above `from`, at most `limit` (default 100, at most 1,000). Throws `config/invalid`. */
  async history({ from = 0, limit }: { readonly from?: number; readonly limit?: number } = {}): Promise<readonly JournalEntry[]> {
    if (!(Number.isInteger(from) && from >= 0)) throw new TroupeError('config/invalid', `${this.address}: from must be a whole number from 0, not ${from}`, { address: this.address })
    return this.#parts.reader.entries(this.#id, from, pageSize(limit))
  }

  /** The state after a past step: a read, nothing runs again. Throws `history/trimmed`, and `config/invalid` for a step that never was. */
  async at(seq: number): Promise<ActorSnapshot<TLogic>> {
    return (await this.#parts.reader.snapshot(this.#id, seq)) as ActorSnapshot<TLogic>
  }

  /** Starts a new actor from the state after a past step. Throws `actor/exists`, `address/invalid`, `history/trimmed`, and `config/invalid` for a step that never was. */
  async fork(seq: number, newKey: string): Promise<ActorHandle<TLogic>> {
    const { tenant, machine } = parseActorId(this.#id)
    const fork = new ActorHandle<TLogic>(this.#parts, actorId({ tenant, machine, key: newKey }))
    if (isSpawnedKey(newKey)) throw new TroupeError('address/invalid', `the key ${newKey} has a '>', which marks spawned actors`)
    const { document } = await this.#parts.reader.document(this.#id, seq)
    await fork.#request({ kind: 'fork', document })
    return fork
  }

  /** Lets events wait until `resume`; timers stand still, results of running tasks are kept. */
  async pause(): Promise<void> {
    await this.#request({ kind: 'pause' })
  }

  /** Goes on: after `pause`, or with a failed actor whose cause is mended. */
  async resume(): Promise<void> {
    await this.#request({ kind: 'resume' })
  }

  /** Ends the actor and all it has spawned, at once. */
  async stop(): Promise<void> {
    await this.#request({ kind: 'stop' })
  }

  /** Ends the actor; one that takes the event `CANCEL` gets it and `graceMs` (default 5,000) to clean up first. */
  async cancel({ graceMs = CANCEL_GRACE_MS }: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#request({ kind: 'cancel', graceMs })
  }

  async #request(body: Body): Promise<void> {
    await request(this.#parts, this.#id, body, this.#definition().limits.mailboxDepthMax)
  }

  #submit(message: Message<Body>) {
    return this.#parts.node.submit(message, this.#definition().limits.mailboxDepthMax)
  }

  /** Both ways an ask may be answered: by the batch at hand, or later, when its event had to wait. */
  async #submitAsk(message: Message<Body>) {
    const { node } = this.#parts
    if (!this.#isOwned()) return this.#submit(message)
    const later = node.expect(message.reply?.request ?? '')
    later.catch(() => undefined)
    return Promise.race([this.#submit(message), later])
  }

  #message(body: Body, { traceparent }: SendOptions): Message<Body> {
    const { env } = this.#parts
    const id = env.nextMessageId()
    const message = { id, to: this.#id, from: null, at: env.clock.now(), body, correlation: id, causation: null }
    return traceparent === undefined ? message : { ...message, traceparent }
  }

  #isOwned(): boolean {
    return this.#parts.node.owns(this.#id)
  }

  /** Another node will step it: a refusal that can be known now is told now. */
  async #checkTakesEvents({ body }: Message<Body>): Promise<void> {
    const ended = await this.#parts.reader.ended(this.#id)
    if (!ended) return
    // A repetition of what the actor has taken before its end is no new event: its owner knows it by its key.
    if (body.kind === 'event' && body.key !== undefined && (await this.#parts.env.store.marks(this.#id, [body.key])).has(body.key)) return
    throw endedError(ended)
  }

  #definition(): Definition {
    return this.#parts.reader.definition(this.#id)
  }

  /** The first state from `snapshot` on that holds. Throws when the actor ends before. */
  async #waitFor(snapshot: ActorSnapshot, holds: (snapshot: ActorSnapshot) => boolean, signal: AbortSignal, wait: Wait | undefined): Promise<ActorSnapshot> {
    if (holds(snapshot)) return snapshot
    wait?.begin()
    for await (const step of new Watch<WatchedStep>(this.#parts, this.#id, { from: snapshot.seq, signal })) if (holds(step.snapshot)) return step.snapshot
    if (this.#parts.node.isClosing) throw closedWhileWaiting(this.address)
    throw endedError(await this.#parts.reader.snapshot(this.#id))
  }

  /** The state in which the actor has ended. Only the last state counts, so nothing of the journal is read. */
  async #ended(signal?: AbortSignal, wait?: Wait): Promise<ActorSnapshot> {
    const { node } = this.#parts
    wait?.begin()
    let wake: () => void = () => undefined
    let changed = Promise.resolve()
    const rearm = (): void => void (changed = new Promise<void>(resolve => (wake = resolve)))
    const forget = node.onChange(this.#id, notice => notice ?? wake())
    signal?.addEventListener('abort', () => wake())
    try {
      for (;;) {
        rearm()
        const snapshot = await this.#last()
        if (snapshot) return snapshot
        await changed
        signal?.throwIfAborted()
        if (node.isClosing) throw closedWhileWaiting(this.address)
      }
    } finally {
      forget()
    }
  }

  /** The committed state if no other can follow it. */
  async #last(): Promise<ActorSnapshot | undefined> {
    const { node, reader } = this.#parts
    if (!node.view(this.#id)) return reader.ended(this.#id)
    const snapshot = await this.snapshot()
    return liveStatuses.includes(snapshot.status) ? undefined : snapshot
  }

  #within<T>(ms: number | undefined, work: (signal: AbortSignal, wait: Wait | undefined) => Promise<T>, leave?: AbortSignal): Promise<T> {
    const { env, node } = this.#parts
    if (ms !== undefined && !(ms >= 0 && ms < 2 ** 31)) throw new TroupeError('config/invalid', `${this.address}: timeout must be from 0 to 2^31 milliseconds, not ${ms}`, { address: this.address })
    leave?.throwIfAborted()
    const controller = new AbortController()
    return new Promise((resolve, reject) => {
      const asker = node.asker
      // What becomes of a probe does not matter: one that is lost is followed by another.
      const wait = asker && new Wait({ env, asker, asked: this.#id, send: message => void node.post(message, Infinity).catch(() => undefined), fail })
      const timer = ms === undefined ? undefined : env.clock.setTimer(() => fail(timeoutError(this.address, ms, wait?.cycle)), ms)
      const left = (): void => fail(leave?.reason as Error)
      leave?.addEventListener('abort', left)
      const end = (): void => {
        if (timer) env.clock.clearTimer(timer)
        leave?.removeEventListener('abort', left)
        wait?.end()
      }
      function fail(error: Error): void {
        end()
        reject(error)
        controller.abort()
      }
      work(controller.signal, wait).then(value => (end(), resolve(value)), fail)
    })
  }
}

function predicateOf(until: Until<AnyActorLogic>): (snapshot: ActorSnapshot) => boolean {
  if (typeof until === 'function') return until
  return snapshot => typeof until === 'object' && snapshot.hasTag(until.tag)
}

const closedWhileWaiting = (address: string): TroupeError => new TroupeError('runtime/closed', `the runtime was closed while ${address} was waited for`, { address })

