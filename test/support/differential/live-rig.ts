import type { AnyActorLogic, AnyEventObject } from 'xstate'
import type { ActorId } from '../../../src/core/address.ts'
import { applyDelta } from '../../../src/core/delta.ts'
import type { Op } from '../../../src/core/delta.ts'
import type { ActorDocument } from '../../../src/core/document.ts'
import { decodeJson, encodeJson } from '../../../src/core/json.ts'
import { LiveActor } from '../../../src/host/xstate/live-actor.ts'
import type { LiveActorOptions } from '../../../src/host/xstate/live-actor.ts'
import type { Effects, Step } from '../../../src/host/xstate/effects.ts'

/** One live actor in the hands of a unit test, with a clock, a mailbox for what its live code says, and a durable text. */
export class LiveRig {
  readonly options: LiveActorOptions
  readonly wakes: { readonly path: string; readonly event: string }[] = []
  now = 1000
  live: LiveActor
  #document: ActorDocument | undefined

  constructor(logic: AnyActorLogic, options: Partial<LiveActorOptions> = {}, input?: unknown) {
    this.options = {
      id: 'default/rig/1' as ActorId,
      logic,
      mutableContext: false,
      microstepsMax: 100,
      jsonDepthMax: 32,
      payloadBytesMax: 100_000,
      now: () => this.now,
      wake: (path, event) => this.wakes.push({ path, event }),
      ...options,
    }
    this.live = new LiveActor(this.options, { input })
  }

  /** The first step. */
  start(): Step {
    const step = this.live.start()
    this.#document = decodeJson<ActorDocument>(encodeJson(this.live.parts(), true))
    return step
  }

  send(event: AnyEventObject, path?: string): Step {
    return this.keep(this.live.send(event, path))
  }

  /** Sends what live code has said since the last time. */
  hear(): readonly Step[] {
    return this.wakes.splice(0).map(({ path, event }) => this.send(decodeJson<AnyEventObject>(event), path))
  }

  /** Fires everything due at a time. */
  pass(ms: number): readonly Step[] {
    this.now += ms
    const steps: Step[] = []
    for (let due = this.live.dueTimer(this.now); due; due = this.live.dueTimer(this.now)) steps.push(this.keep(this.live.fire(due)))
    return steps
  }

  /** Writes a step down. */
  keep(step: Step): Step {
    if (step.delta !== undefined) this.#document = applyDelta(this.document, decodeJson<readonly Op[]>(step.delta))
    return step
  }

  get document(): ActorDocument {
    if (!this.#document) throw new Error('not started')
    return this.#document
  }

  /** A new life from what was written down, maybe with other logic. */
  restart(logic: AnyActorLogic = this.options.logic): LiveActor {
    this.live.dispose()
    this.wakes.length = 0
    const document = decodeJson<ActorDocument>(encodeJson(this.document, true))
    this.live = new LiveActor({ ...this.options, logic }, { document })
    return this.live
  }

  /** The context in the live actor; what a restart would give must be the same. */
  get context(): unknown {
    return (this.live.snapshot as { readonly context: unknown }).context
  }

  get value(): unknown {
    return (this.live.snapshot as { readonly value: unknown }).value
  }
}

/** Runs what waits for the commit. */
export function release({ after }: Effects): void {
  for (const run of after) run()
}
