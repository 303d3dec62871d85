import { isDeepStrictEqual } from 'node:util'
import type { EventObject } from 'xstate'
import type { ActorId } from '../../../src/core/address.ts'
import { applyDelta } from '../../../src/core/delta.ts'
import type { Op } from '../../../src/core/delta.ts'
import type { ActorDocument, TaskDocument } from '../../../src/core/document.ts'
import { decodeJson, encodeJson } from '../../../src/core/json.ts'
import { taskOf } from '../../../src/core/task.ts'
import type { TaskScope } from '../../../src/core/task.ts'
import { LiveActor } from '../../../src/host/xstate/live-actor.ts'
import type { Step } from '../../../src/host/xstate/effects.ts'
import type { LiveActorOptions } from '../../../src/host/xstate/live-actor.ts'
import { settlePromises } from './host.ts'
import type { CrashPlan, Host, State } from './host.ts'
import { normalise, tagsOf } from './normalise.ts'
import type { Subject, TestEvent } from './subject.ts'

/** A fault planted into the host, to show that the comparison catches its kind. */
export type PlantedFault = 'timers are lost on restore' | 'tasks are lost on restore' | 'a delta op is skipped' | 'a delta is lost' | 'timers fire early' | 'emitted events are lost'

type Work = { readonly path: string; readonly event: string } | { readonly task: string; readonly outcome: { readonly output: unknown } | { readonly error: unknown } }

const ID = 'default/subject/1' as ActorId
const DELTAS_MAX = 7

/**
 * The smallest durable host over `LiveActor`: a base as text, deltas as text, tasks run after the "commit". A crash
 * keeps these texts only. Checks invariant H2 (base and deltas give what `parts` gives) after every step.
 */
export class LiveHost implements Host {
  readonly emitted: EventObject[] = []
  readonly #subject: Subject
  readonly #crashHere: CrashPlan
  readonly #fault: PlantedFault | undefined
  readonly #options: LiveActorOptions
  #now = 0
  #live: LiveActor
  #base = ''
  #deltas: string[] = []
  #queue: Work[] = []
  #incarnation = 0
  #steps = 0

  constructor(subject: Subject, crashHere: CrashPlan, { fault, mutableContext = false }: { readonly fault?: PlantedFault; readonly mutableContext?: boolean } = {}) {
    this.#subject = subject
    this.#crashHere = crashHere
    this.#fault = fault
    this.#options = {
      id: ID,
      logic: subject.machine,
      mutableContext,
      microstepsMax: 1000,
      jsonDepthMax: 64,
      now: () => this.#now,
      payloadBytesMax: 1 << 20,
      wake: (path, event) => this.#queue.push({ path, event }),
    }
    this.#live = new LiveActor(this.#options, { input: subject.input })
  }

  async start(): Promise<void> {
    const step = this.#live.start()
    this.#base = encodeJson(this.#live.parts(), true)
    this.#commit({ ...step, delta: undefined })
    await this.#settle()
  }

  async send(events: readonly TestEvent[]): Promise<void> {
    for (const event of events) if (this.#live.status === 'active') this.#commit(this.#live.send(decodeJson(JSON.stringify(event))))
    await this.#settle()
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    const early = this.#fault === 'timers fire early' ? 7 : 0
    for (let due = this.#live.dueAt; due !== null && due - early <= end; due = this.#live.dueAt) {
      this.#now = Math.max(this.#now, due)
      await this.#settle()
    }
    this.#now = end
  }

  async crash(): Promise<void> {
    this.#restart()
    await this.#settle()
  }

  state(): Promise<State> {
    return Promise.resolve({ snapshot: normalise(this.#durable().snapshot), tags: tagsOf(this.#live.snapshot) })
  }

  close(): Promise<void> {
    this.#live.dispose()
    return Promise.resolve()
  }

  #durable(): ActorDocument {
    return applyDelta(
      decodeJson<ActorDocument>(this.#base),
      this.#deltas.flatMap(text => decodeJson<readonly Op[]>(text)),
    )
  }

  #commit({ delta, effects }: Step): void {
    this.#steps++
    if (delta !== undefined && !(this.#fault === 'a delta is lost' && this.#steps % 5 === 0)) this.#deltas.push(this.#fault === 'a delta op is skipped' ? skipOp(delta) : delta)
    if (!this.#fault) this.#checkDelta(delta)
    if (this.#deltas.length > DELTAS_MAX) this.#fold()
    if (this.#fault !== 'emitted events are lost') this.emitted.push(...effects.emitted)
    if (!this.#subject.live && this.#crashHere() > 0) return this.#restart()
    for (const run of effects.after) run()
    for (const task of effects.tasks) this.#run(task)
    for (const { path, event } of effects.sends) this.#queue.push({ path: path ?? '', event })
  }

  /** H2: what the store holds is what the actor is, to the last key and in the same order. */
  #checkDelta(delta: string | undefined): void {
    const durable = encodeJson(this.#durable(), true)
    const actual = encodeJson(decodeJson(encodeJson(this.#live.parts(), true)), true)
    if (durable === actual || isDeepStrictEqual(JSON.parse(durable), JSON.parse(actual))) return
    throw new Error(`H2: base and deltas do not give the parts\n durable ${durable}\n actual  ${actual}\n delta   ${delta}`)
  }

  #fold(): void {
    this.#base = this.#fault ? encodeJson(this.#durable(), true) : encodeJson(this.#live.parts(), true)
    this.#deltas = []
  }

  #restart(): void {
    this.#incarnation++
    this.#queue = []
    this.#live.dispose()
    this.#queue = []
    const document = this.#durable()
    if (this.#fault === 'timers are lost on restore') Object.assign(document, { timers: {} })
    if (this.#fault === 'tasks are lost on restore') Object.assign(document, { tasks: {} })
    this.#live = new LiveActor(this.#options, { document })
    this.#live.resumeLiveCode()
    for (const task of this.#live.tasks.values()) this.#run(task)
  }

  #run(task: TaskDocument): void {
    const { incarnation, live } = { incarnation: this.#incarnation, live: this.#live }
    const ref = live.taskRef(task)
    if (!ref) return
    const settled = (outcome: { readonly output: unknown } | { readonly error: unknown }): void => {
      if (incarnation === this.#incarnation) this.#queue.push({ task: task.id, outcome })
    }
    const scope = { input: task.input, signal: new AbortController().signal, attempt: 1, idempotencyKey: task.id, checkpoint: undefined, now: () => this.#now, heartbeat: () => undefined, progress: () => undefined, self: ref, system: ref.system }
    Promise.try(() => taskOf((ref as unknown as { logic: Parameters<typeof taskOf>[0] }).logic).run(scope as TaskScope<unknown>)).then(
      output => settled({ output }),
      (error: unknown) => settled({ error }),
    )
  }

  async #settle(): Promise<void> {
    for (;;) {
      await settlePromises()
      const work = this.#queue.shift()
      if (work) this.#perform(work)
      else {
        const due = this.#live.dueTimer(this.#now)
        if (!due) return
        this.#commit(this.#live.fire(due))
      }
    }
  }

  #perform(work: Work): void {
    if ('event' in work) return this.#commit(this.#live.send(decodeJson<EventObject>(work.event), work.path))
    const task = this.#live.tasks.get(work.task)
    if (task) this.#commit(this.#live.settleTask(task, work.outcome))
  }
}

function skipOp(delta: string): string {
  const ops = decodeJson<readonly Op[]>(delta)
  return encodeJson(ops.length > 1 ? ops.slice(0, -1) : ops, true)
}
