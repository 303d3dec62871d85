import type { ActorLogic, AnyActorRef, MachineSnapshot, MetaObject, StateValue } from 'xstate'
import type { Outcome } from '../outcome.ts'
import type { AgentContext, AgentEvent, AgentInput } from './context.ts'
import { agentMachine } from './machine.ts'
import { readOptions } from './options.ts'
import type { AgentOptions } from './options.ts'

/** The machine that `agent` makes. */
export type AgentMachine<TOutput = unknown> = ActorLogic<
  MachineSnapshot<AgentContext, AgentEvent, Record<string, AnyActorRef | undefined>, StateValue, string, Outcome<TOutput>, MetaObject, object>,
  AgentEvent,
  AgentInput | undefined,
  AnyActorRef['system']
>

/**
 * An agent: a model with instructions, tools and limits, as a durable machine. With a `task` in its input it works until that
 * is done and puts out an `Outcome`; without one it is a session that answers `user.message`s until `agent.end`. Each call of
 * the model and of a tool is a task of its own, so nothing that is committed runs again after a crash.
 * Throws `config/invalid` for options that make no sense.
 *
 * @example
 * const writer = agent({ name: 'writer', instructions: 'Write a haiku.', model: openai('gpt-5-mini'), budget: { costUsdMax: 0.1 } })
 * await using runtime = await createRuntime({ machines: { writer } })
 * await runtime.actor(writer, '1').start({ task: 'autumn' })
 * const { status, output } = await runtime.actor(writer, '1').result()
 */
export function agent<TOutput = string>(options: AgentOptions<TOutput>): AgentMachine<TOutput> {
  return agentMachine(readOptions(options as AgentOptions<unknown>)) as unknown as AgentMachine<TOutput>
}
