import { assign, enqueueActions, setup } from 'xstate'
import { TroupeError } from '../../src/core/errors.ts'
import { actorAt, askAtHand, deadLetter, reply } from '../../src/core/targets.ts'
import { noUsage } from '../outcome.ts'
import type { Outcome } from '../outcome.ts'
import { callEnded, permit, permitOf } from '../permit.ts'
import { readDecision, rejectionOf } from './approval.ts'
import { excessOf, spend } from './budget.ts'
import { agentEvents, beginWork, ended, outcomeOf, reportOf } from './context.ts'
import type { AgentContext, AgentEvent, AgentInput, Decision, Ending, OpenCall } from './context.ts'
import { guardrailTask } from './guardrails.ts'
import { hear } from './hear.ts'
import { textOfError } from './limits.ts'
import { newSummary, summaryDue } from './memory.ts'
import type { Content, Message } from './model.ts'
import { modelTask } from './model-task.ts'
import type { Heard } from './model-task.ts'
import type { AgentSettings } from './options.ts'
import { costOf } from './prices.ts'
import { requestOf, summaryRequestOf } from './request.ts'
import { toolTask } from './tool-task.ts'
import type { ToolInput, ToolResult } from './tool-task.ts'
import { errorMessage, toolMessage } from './transcript.ts'

/** What an agent tells itself; nobody outside can send what begins with `troupe.` or `xstate.`. */
type OwnEvent =
  | { readonly type: 'troupe.wall-time-over' }
  | { readonly type: 'troupe.approval-expired'; readonly callId: string }
  | { readonly type: 'xstate.done.actor.*'; readonly actorId: string; readonly output: ToolResult }
  | { readonly type: 'xstate.error.actor.*'; readonly actorId: string; readonly error: unknown }

const childOf = (callId: string): string => `call:${callId}`
const approvalTimer = (callId: string): string => `approval:${callId}`

/** One call less, and what the model is told of it. */
function settle({ calls, messages }: AgentContext, child: string, message: (call: OpenCall) => Message): Partial<AgentContext> {
  const call = calls.find(({ id }) => childOf(id) === child)
  return call ? { calls: calls.filter(other => other !== call), messages: [...messages, message(call)] } : {}
}

const answer = (to: string | null, value: unknown) => reply<AgentContext, AgentEvent | OwnEvent, AgentEvent | OwnEvent>(() => value, { to: () => to })

/** The outcome of work that was never begun. */
const unpaid = (context: AgentContext, ending: Pick<AgentContext, 'ending'>): Outcome => ({ ...outcomeOf({ ...context, ...ending }), usage: noUsage })

/** What an agent can do and decide; its statechart says when. */
export function agentSetup(agent: AgentSettings) {
  const { name, tools, memory, budget, guardrails = {}, limits, modelCall = {}, breaker } = agent
  const summariser = (memory.kind === 'summarise' ? memory.model : undefined) ?? agent.model
  const begin = (call: OpenCall, { data }: AgentContext) => [`tool.${call.tool}` as 'tool', { id: childOf(call.id), input: { callId: call.id, input: call.input, data } satisfies ToolInput }] as const

  return setup({
    types: { context: {} as AgentContext, events: {} as AgentEvent | OwnEvent, input: {} as AgentInput, output: {} as Outcome },
    schemas: { events: agentEvents },
    actors: {
      model: modelTask(name, agent.model, modelCall, context => requestOf(context, agent)),
      summariser: modelTask(`${name}.summariser`, summariser, modelCall, context => summaryRequestOf(context, agent)),
      permit,
      inputGuardrails: guardrailTask(guardrails.input ?? []),
      outputGuardrails: guardrailTask(guardrails.output ?? []),
      ...(Object.fromEntries([...tools.values()].map(tool => [`tool.${tool.name}`, toolTask(tool, limits.resultBytesMax)])) as { tool: ReturnType<typeof toolTask> }),
    },
    actions: {
      enqueueMessage: enqueueActions(({ context, event, self, enqueue }) => {
        if (event.type !== 'user.message') return
        const ask = askAtHand(self)
        // Nobody who asked: the message goes where others that could not be handled are.
        const refuse = (error: TroupeError): void => enqueue(ask === null ? deadLetter<AgentContext, AgentEvent | OwnEvent, AgentEvent | OwnEvent>(() => ({ event, error })) : answer(ask, unpaid(context, ended('failed', error.message))))
        if (!context.session) refuse(new TroupeError('event/invalid', `agent '${name}' works on a task and takes no messages`))
        else if (context.queue.length >= limits.queueMax) refuse(new TroupeError('mailbox/full', `agent '${name}': ${limits.queueMax} messages wait already, the limit queueMax`))
        else enqueue.assign({ queue: [...context.queue, { content: event.content as Content, ask }] })
      }),
      beginWork: assign(({ context }) => beginWork(context)),
      startWallTime: enqueueActions(({ enqueue }) => {
        if (budget.wallMs !== undefined) enqueue.raise({ type: 'troupe.wall-time-over' }, { id: 'wall', delay: budget.wallMs })
      }),
      end: assign((_scope, ending: Ending) => ({ ending })),
      hear: assign(({ context }, heard: Heard) => hear(context, heard, agent)),
      remember: assign(({ context }, heard: Heard) => {
        const spent = spend(context, { ...heard.spent, modelCalls: 1, costUsd: costOf((heard.ok ? heard.reply.modelId : undefined) ?? summariser.modelId ?? 'unnamed', heard.spent, agent.prices) })
        const upTo = summaryDue(context, memory) ?? 0
        if (!heard.ok) return { ...spent, ...ended('failed', `the summary: ${heard.error}`) }
        return heard.reply.text.trim() === '' ? { ...spent, ...ended('failed', 'the summary is empty') } : { ...spent, summary: newSummary(heard.reply.text, upTo) }
      }),
      /** What went wrong outside of its code: a timeout, say. */
      missHearing: assign(({ context }, { error, whose }: { readonly error: unknown; readonly whose: string }) => ({ ...spend(context, { modelCalls: 1 }), ...ended('failed', `${whose}: ${textOfError(error)}`) })),
      countPermit: assign({ permits: ({ context }) => context.permits + 1 }),
      tellBreaker: enqueueActions(({ context, self, enqueue }, { ok }: { readonly ok: boolean }) => {
        if (breaker) enqueue.sendTo(actorAt(breaker.address), callEnded(permitOf(self, context.permits), ok))
      }),
      startCalls: enqueueActions(({ context, enqueue }) => {
        const timeoutMs = agent.approvals?.timeoutMs
        for (const call of context.calls) {
          if (call.state === 'running') enqueue.spawnChild(...begin(call, context))
          else if (timeoutMs !== undefined) enqueue.raise({ type: 'troupe.approval-expired', callId: call.id }, { id: approvalTimer(call.id), delay: timeoutMs })
        }
      }),
      keepResult: enqueueActions(({ context, enqueue }, { actorId, result, isError }: ToolResult & { readonly actorId: string }) => {
        enqueue.assign({ ...spend(context, { toolCalls: 1 }), ...settle(context, actorId, call => toolMessage(call, result, isError)) })
        enqueue.stopChild(actorId)
      }),
      decide: enqueueActions(({ context, event, self, enqueue }) => {
        const decision = event as Decision
        const verdict = readDecision(context, decision, agent)
        enqueue(answer(askAtHand(self), verdict))
        const call = context.calls.find(({ id }) => id === decision.callId)
        if (!verdict.accepted || !call) return
        enqueue.cancel(approvalTimer(call.id))
        if (!decision.approve) return enqueue.assign(settle(context, childOf(call.id), other => errorMessage(other, rejectionOf(decision))))
        enqueue.assign({ calls: context.calls.map(other => (other === call ? { ...call, state: 'running' } : other)) })
        enqueue.spawnChild(...begin(call, context))
      }),
      expire: assign(({ context, event }) => (event.type === 'troupe.approval-expired' ? settle(context, childOf(event.callId), call => errorMessage(call, rejectionOf(undefined))) : {})),
      /** Leaves nothing open behind: no call, no timer, nobody who waits for an answer. */
      close: enqueueActions(({ context, enqueue }) => {
        for (const { id, state } of context.calls) {
          if (state === 'running') enqueue.stopChild(childOf(id))
          else enqueue.cancel(approvalTimer(id))
        }
        enqueue.cancel('wall')
        if (context.calls.length > 0) enqueue.assign({ calls: [], messages: [...context.messages, ...context.calls.map(call => errorMessage(call, 'not finished: the work has ended'))] })
        enqueue(reply(({ context: closed }) => outcomeOf(closed), { to: ({ context: { work } }) => work.ask }))
        if (context.session && context.reports) enqueue.sendParent(({ context: closed }) => reportOf(name, closed, limits))
      }),
      dismiss: enqueueActions(({ context, self, enqueue }) => {
        const cancelled = ended('cancelled', `${name} was ended`)
        if (context.ending === null) enqueue.assign(cancelled)
        for (const ask of [...context.queue.map(waiting => waiting.ask), askAtHand(self)]) enqueue(answer(ask, unpaid(context, cancelled)))
        enqueue.assign({ queue: [] })
      }),
    },
    guards: {
      asksBreaker: () => breaker !== undefined,
      hasWork: ({ context }) => context.queue.length > 0,
      guardsInput: () => (guardrails.input ?? []).length > 0,
      guardsOutput: ({ context }) => context.ending?.status === 'done' && (guardrails.output ?? []).length > 0,
      isOverBudget: ({ context }) => excessOf(context, budget) !== null,
      mustSummarise: ({ context }) => summaryDue(context, memory) !== undefined,
      isAtWork: ({ context }) => context.ending === null,
      isEnding: ({ context }) => context.ending !== null,
      isSession: ({ context }) => context.session,
      hasCalls: ({ context }) => context.calls.length > 0,
      isAnswered: ({ context }) => context.calls.length === 0,
      isRunning: ({ context }) => context.calls.some(({ state }) => state === 'running'),
      isAwaiting: ({ context }) => context.calls.some(({ state }) => state === 'awaiting'),
      isOnlyRunning: ({ context }) => context.calls.every(({ state }) => state === 'running'),
      isOnlyAwaiting: ({ context }) => context.calls.every(({ state }) => state === 'awaiting'),
      isDone: ({ context }) => context.ending?.status === 'done',
      isHandedOff: ({ context }) => context.ending?.status === 'handed-off',
      isOutOfBudget: ({ context }) => context.ending?.status === 'out-of-budget',
      isBlocked: ({ context }) => context.ending?.status === 'blocked',
    },
  })
}
