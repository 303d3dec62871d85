import { SimulatedClock, createActor, fromPromise } from 'xstate'
import type { AnyActorLogic, AnyStateMachine, PromiseActorLogic } from 'xstate'
import type { Outcome, PatternOutcome } from '../../machines/outcome.ts'
import type { TeamContext } from '../../patterns/team.ts'

interface Given {
  readonly task: unknown
}

/** A member that does something with its task. */
export const doing = (work: (task: never) => unknown): PromiseActorLogic<unknown, Given> => fromPromise(async ({ input }: { input: Given }) => work(input.task as never))
export const echo = doing((task: unknown) => `did ${typeof task === 'string' ? task : JSON.stringify(task)}`)
export const silent = fromPromise(() => new Promise(() => undefined))

/** A member that puts out one thing after the other, errors by throwing them. */
export function comesTo(...results: readonly unknown[]): AnyActorLogic {
  let turn = 0
  return doing(() => {
    const result = results[Math.min(turn++, results.length - 1)]
    if (result instanceof Error) throw result
    return result
  })
}

export const outcome = (status: Outcome['status'], output: unknown = null): Outcome => ({ kind: 'outcome', status, output, reason: status === 'done' ? null : `it is ${status}`, usage: { inputTokens: 10, outputTokens: 1, modelCalls: 1, toolCalls: 0, costUsd: 0.5 } })

export const soon = (): Promise<unknown> => new Promise(resolve => setImmediate(resolve))

/** Runs a pattern in process. */
export function begin(machine: AnyStateMachine, task: unknown = 'x') {
  const clock = new SimulatedClock()
  const actor = createActor(machine, { clock, input: { task } })
  const ended = new Promise<PatternOutcome>((resolve, reject) => actor.subscribe({ complete: () => resolve(actor.getSnapshot().output as PatternOutcome), error: reject }))
  actor.start()
  return { actor, clock, ended, context: (): TeamContext => actor.getSnapshot().context as TeamContext, state: (): unknown => actor.getSnapshot().value }
}

export const outcomeOf = (machine: AnyStateMachine, task?: unknown): Promise<PatternOutcome> => begin(machine, task).ended
