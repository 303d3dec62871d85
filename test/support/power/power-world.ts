import { createRuntime } from 'troupe'
import { toErrorInfo } from '../../../src/core/errors.ts'
import type { SentEvent } from '../faults/history.ts'
import { createMachines } from '../faults/machines.ts'
import type { Effect } from '../faults/machines.ts'
import type { Plan, Step } from './plan.ts'

/** A moment, told by how many bytes of the log were written by then. */
type Moment = number

/** What has happened outside of the store, and when: a power loss takes back what comes after it, and nothing before. */
export class Ledger {
  readonly troubles: string[] = []
  readonly #now: () => Moment
  readonly #begun = new Map<Step, Moment>()
  readonly #acked = new Map<Step, Moment>()
  readonly #effects: { readonly effect: Effect; readonly at: Moment }[] = []

  constructor(now: () => Moment) {
    this.#now = now
  }

  begin = (step: Step): void => void (this.#begun.has(step) || this.#begun.set(step, this.#now()))
  acknowledge = (step: Step): void => void (this.#acked.has(step) || this.#acked.set(step, this.#now()))
  /** Tasks of all actors have the same names: each is told with its actor's id. */
  note = ({ task, key, attempt }: Effect): void => void this.#effects.push({ effect: { task: `${task} of ${key.slice(0, key.lastIndexOf(':'))}`, key, attempt }, at: this.#now() })

  /** A ledger of the world in which the power was lost at that moment; what happens in it from then on happens last. */
  upTo(moment: Moment): Ledger {
    const ledger = new Ledger(() => Infinity)
    for (const [step, at] of this.#begun) if (at <= moment) ledger.#begun.set(step, at)
    for (const [step, at] of this.#acked) if (at <= moment) ledger.#acked.set(step, at)
    ledger.#effects.push(...this.#effects.filter(({ at }) => at <= moment))
    return ledger
  }

  get effects(): readonly Effect[] {
    return this.#effects.map(({ effect }) => effect)
  }

  get acknowledged(): readonly Step[] {
    return [...this.#acked.keys()]
  }

  get sent(): ReadonlyMap<string, SentEvent> {
    return new Map([...this.#begun.keys()].flatMap(step => {
      if (step.do !== 'send') return []
      const { op, machine, key, event } = step
      return [[op, { op, to: `${machine}/${key}`, type: event.type, keyed: true, tries: 1, acked: this.#acked.has(step) }]]
    }))
  }
}

type PowerRuntime = Awaited<ReturnType<typeof openRuntime>>

/** Short leases: nodes that the power loss has ended are forgotten soon. */
const LIMITS = { leaseTtlMs: 1_000 }

export function openRuntime(store: string, ledger: Ledger) {
  const machines = createMachines({ effect: ledger.note, gate: () => Promise.resolve() })
  return createRuntime({ machines, store, limits: LIMITS, onError: error => void ledger.troubles.push(toErrorInfo(error).message) })
}

/** Does all that a plan says, lanes in turn by the runtimes given. */
export async function follow({ births, lanes }: Plan, runtimes: readonly PowerRuntime[], ledger: Ledger): Promise<void> {
  const perform = async (step: Step, lane: number): Promise<void> => {
    ledger.begin(step)
    await act(runtimes[lane % runtimes.length] as PowerRuntime, step)
    ledger.acknowledge(step)
  }
  await Promise.all(births.map(perform))
  await Promise.all(lanes.map(async (steps, lane) => {
    for (const step of steps) await perform(step, lane)
  }))
}

async function act(runtime: PowerRuntime, step: Step): Promise<void> {
  switch (step.do) {
    case 'start':
      return runtime.actor(step.machine, step.key).start(step.input as never)
    case 'send': {
      const actor = runtime.actor(step.machine, step.key)
      const options = { idempotencyKey: step.op }
      await (step.asks ? actor.ask(step.event as never, options) : actor.send(step.event as never, options))
      return
    }
    case 'replay':
      for (const { id } of await runtime.deadLetters.list({ address: step.address })) await runtime.deadLetters.replay(id)
  }
}
