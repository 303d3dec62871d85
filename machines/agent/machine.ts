import { assign, enqueueActions, setup } from 'xstate'
import { catalogued } from '../../src/core/catalogue.ts'
import { askAtHand, reply } from '../../src/core/targets.ts'
import { noUsage } from '../outcome.ts'
import type { Outcome } from '../outcome.ts'
import { readDecision, rejectionOf } from './approval.ts'
import { excessOf, outOfBudget, spend } from './budget.ts'
import { agentEvents, beginWork, newContext, outcomeOf } from './context.ts'
import type { AgentContext, AgentEvent, AgentInput, AgentReport, Decision, Ending, OpenCall } from './context.ts'
import { guardrailTask } from './guardrails.ts'
import { hear } from './hear.ts'
import { textOfError } from './limits.ts'
import { newSummary, summaryDue, summaryRequest, viewOf } from './memory.ts'
import type { Content, Message, ModelRequest } from './model.ts'
import { modelTask } from './model-task.ts'
import type { Heard, ModelCallInput } from './model-task.ts'
import type { AgentSettings } from './options.ts'
import { costOf } from './prices.ts'
import { toolTask } from './tool-task.ts'
import type { ToolInput, ToolResult } from './tool-task.ts'
import { errorMessage, toolMessage } from './transcript.ts'

/** What an agent tells itself; nobody outside can send what begins with `troupe.` or `xstate.`. */
type OwnEvent =
  | { readonly type: 'troupe.wall-time-over' }
  | { readonly type: 'troupe.approval-expired'; readonly callId: string }
  | { readonly type: 'xstate.done.actor.*'; readonly actorId: string; readonly output: ToolResult }
  | { readonly type: 'xstate.error.actor.*'; readonly actorId: string; readonly error: unknown }

type Scope = { readonly context: AgentContext }

const callId = (actorId: string): string => actorId.slice('call:'.length)
const withoutCall = ({ calls, messages }: AgentContext, id: string, message: (call: OpenCall) => Message): Partial<AgentContext> => {
  const call = calls.find(other => other.id === id)
  return call ? { calls: calls.filter(other => other !== call), messages: [...messages, message(call)] } : {}
}
const end = (status: Ending['status'], reason: string, output: unknown = null): Pick<AgentContext, 'ending'> => ({ ending: { status, output, reason } })
const answer = (to: string | null, value: unknown) => reply<AgentContext, AgentEvent | OwnEvent, AgentEvent | OwnEvent>(() => value, { to: () => to })

/** The statechart of an agent. */
export function agentMachine(agent: AgentSettings) {
  const { name, tools, memory, budget, guardrails = {}, limits, modelCall = {} } = agent
  const request = (context: AgentContext): ModelRequest => ({
    instructions: agent.instructionsFor(context.data),
    messages: viewOf(context, memory),
    tools: agent.specs,
    settings: agent.settings ?? {},
    ...(agent.schema && { output: agent.schema }),
    ...(agent.hints && { hints: agent.hints }),
  })
  const summary = (context: AgentContext): ModelRequest => (memory.kind === 'summarise' ? summaryRequest(context, memory, summaryDue(context, memory) ?? 0) : request(context))
  const summariser = (memory.kind === 'summarise' ? memory.model : undefined) ?? agent.model
  const input = (of: (context: AgentContext) => ModelRequest) => ({ context }: Scope): ModelCallInput => (modelCall.queue === undefined ? null : of(context))
  const report = (context: AgentContext): AgentReport => {
    const outcome = outcomeOf(context)
    return outcome.status === 'handed-off' ? { type: 'agent.handed-off', agent: name, ...(outcome.output as { to: string; reason: string; messages: readonly Message[] }) } : { type: 'agent.answered', agent: name, outcome }
  }
  const begin = (call: OpenCall, { data }: AgentContext) => [`tool.${call.tool}` as 'tool', { id: `call:${call.id}`, input: { callId: call.id, input: call.input, data } satisfies ToolInput }] as const

  return setup({
    types: { context: {} as AgentContext, events: {} as AgentEvent | OwnEvent, input: {} as AgentInput, output: {} as Outcome },
    schemas: { events: agentEvents },
    actors: {
      model: modelTask(name, agent.model, modelCall, request),
      summariser: modelTask(`${name}.summariser`, summariser, modelCall, summary),
      inputGuardrails: guardrailTask(guardrails.input ?? []),
      outputGuardrails: guardrailTask(guardrails.output ?? []),
      ...(Object.fromEntries([...tools.values()].map(tool => [`tool.${tool.name}`, toolTask(tool, limits.resultBytesMax)])) as { tool: ReturnType<typeof toolTask> }),
    },
    actions: {
      enqueueMessage: enqueueActions(({ context, event, self, enqueue }) => {
        if (event.type !== 'user.message') return
        const ask = askAtHand(self)
        const refuse = (reason: string): void => enqueue(answer(ask, { ...outcomeOf({ ...context, ...end('failed', reason) }), usage: noUsage }))
        if (!context.session) refuse(`${name} works on a task and takes no messages`)
        else if (context.queue.length >= limits.queueMax) refuse(`${limits.queueMax} messages wait already, the limit queueMax`)
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
        if (!heard.ok) return { ...spent, ...end('failed', `the summary: ${heard.error}`) }
        return heard.reply.text.trim() === '' ? { ...spent, ...end('failed', 'the summary is empty') } : { ...spent, summary: newSummary(heard.reply.text, upTo) }
      }),
      /** What went wrong outside of its code: a timeout, say. */
      missHearing: assign(({ context }, { error, whose }: { readonly error: unknown; readonly whose: string }) => ({ ...spend(context, { modelCalls: 1 }), ...end('failed', `${whose}: ${textOfError(error)}`) })),
      startCalls: enqueueActions(({ context, enqueue }) => {
        const timeoutMs = agent.approvals?.timeoutMs
        for (const call of context.calls) {
          if (call.state === 'running') enqueue.spawnChild(...begin(call, context))
          else if (timeoutMs !== undefined) enqueue.raise({ type: 'troupe.approval-expired', callId: call.id }, { id: `approval:${call.id}`, delay: timeoutMs })
        }
      }),
      keepResult: enqueueActions(({ context, enqueue }, { actorId, result, isError }: ToolResult & { readonly actorId: string }) => {
        enqueue.assign({ ...spend(context, { toolCalls: 1 }), ...withoutCall(context, callId(actorId), call => toolMessage(call, result, isError)) })
        enqueue.stopChild(actorId)
      }),
      decide: enqueueActions(({ context, event, self, enqueue }) => {
        const decision = event as Decision
        const verdict = readDecision(context, decision, agent)
        enqueue(answer(askAtHand(self), verdict))
        const call = context.calls.find(({ id }) => id === decision.callId)
        if (!verdict.accepted || !call) return
        enqueue.cancel(`approval:${call.id}`)
        if (!decision.approve) return enqueue.assign(withoutCall(context, call.id, other => errorMessage(other, rejectionOf(decision))))
        enqueue.assign({ calls: context.calls.map(other => (other === call ? { ...call, state: 'running' } : other)) })
        enqueue.spawnChild(...begin(call, context))
      }),
      expire: assign(({ context, event }) => (event.type === 'troupe.approval-expired' ? withoutCall(context, event.callId, call => errorMessage(call, rejectionOf(undefined))) : {})),
      /** Leaves nothing open behind: no call, no timer, nobody who waits for an answer. */
      close: enqueueActions(({ context, enqueue }) => {
        for (const { id, state } of context.calls) {
          if (state === 'running') enqueue.stopChild(`call:${id}`)
          else enqueue.cancel(`approval:${id}`)
        }
        enqueue.cancel('wall')
        if (context.calls.length > 0) enqueue.assign({ calls: [], messages: [...context.messages, ...context.calls.map(call => errorMessage(call, 'not finished: the work has ended'))] })
        enqueue(reply(({ context: closed }) => outcomeOf(closed), { to: ({ context: { work } }) => work.ask }))
        if (context.session && context.reports) enqueue.sendParent(({ context: closed }) => report(closed))
      }),
      dismiss: enqueueActions(({ context, self, enqueue }) => {
        const cancelled = end('cancelled', `${name} was ended`)
        if (context.ending === null) enqueue.assign(cancelled)
        for (const ask of [...context.queue.map(waiting => waiting.ask), askAtHand(self)]) enqueue(answer(ask, { ...outcomeOf({ ...context, ...cancelled }), usage: noUsage }))
        enqueue.assign({ queue: [] })
      }),
    },
    guards: {
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
      isOnlyAwaiting: ({ context }) => context.calls.every(({ state }) => state === 'awaiting'),
      isDone: ({ context }) => context.ending?.status === 'done',
      isHandedOff: ({ context }) => context.ending?.status === 'handed-off',
      isOutOfBudget: ({ context }) => context.ending?.status === 'out-of-budget',
      isBlocked: ({ context }) => context.ending?.status === 'blocked',
    },
  }).createMachine({
    id: name,
    meta: catalogued({ kind: 'agent', name, capabilities: agent.capabilities ?? [], ...(agent.description !== undefined && { description: agent.description }) }),
    context: ({ input: given }) => newContext(given),
    initial: 'idle',
    on: {
      'user.message': { actions: 'enqueueMessage' },
      'approval.decide': { actions: 'decide' },
      'agent.end': { target: '.ended', actions: ['dismiss', 'close'] },
      'troupe.wall-time-over': { guard: 'isAtWork', target: '.closing', actions: { type: 'end', params: outOfBudget(`${budget.wallMs} ms have passed, the budget's wallMs`) } },
    },
    states: {
      idle: { always: { guard: 'hasWork', target: 'receiving' } },
      receiving: { entry: ['beginWork', 'startWallTime'], always: [{ guard: 'guardsInput', target: 'checkingInput' }, 'thinking'] },
      checkingInput: {
        invoke: {
          id: 'inputGuardrails', src: 'inputGuardrails',
          input: ({ context }) => ({ value: contentOf(context.messages.at(-1)), data: context.data }),
          onDone: [{ guard: ({ event }) => event.output === null, target: 'thinking' }, { target: 'closing', actions: { type: 'end', params: ({ event }) => blocked('input', event.output) } }],
          onError: { target: 'closing', actions: { type: 'end', params: ({ event }) => guardFailed(event.error) } },
        },
      },
      thinking: {
        initial: 'weighing',
        states: {
          weighing: {
            always: [
              { guard: 'isOverBudget', target: '#closing', actions: { type: 'end', params: ({ context }) => outOfBudget(excessOf(context, budget) ?? '') } },
              { guard: 'mustSummarise', target: 'remembering' },
              'calling',
            ],
          },
          remembering: {
            invoke: {
              id: 'summariser', src: 'summariser', input: input(summary),
              onDone: { target: 'remembered', actions: { type: 'remember', params: ({ event }) => event.output } },
              onError: { target: '#closing', actions: { type: 'missHearing', params: ({ event }) => ({ error: event.error, whose: 'the summary' }) } },
            },
          },
          remembered: { always: [{ guard: 'isEnding', target: '#closing' }, 'weighing'] },
          calling: {
            invoke: {
              id: 'model', src: 'model', input: input(request),
              onDone: { target: '#considering', actions: { type: 'hear', params: ({ event }) => event.output } },
              onError: { target: '#closing', actions: { type: 'missHearing', params: ({ event }) => ({ error: event.error, whose: 'the model' }) } },
            },
          },
        },
      },
      considering: {
        id: 'considering',
        always: [
          { guard: 'isHandedOff', target: 'handingOff' },
          { guard: 'guardsOutput', target: 'checkingOutput' },
          { guard: 'isEnding', target: 'closing' },
          { guard: 'hasCalls', target: 'acting', actions: 'startCalls' },
          'thinking',
        ],
      },
      acting: {
        always: [{ guard: 'isAnswered', target: 'thinking' }, { guard: 'isOnlyAwaiting', target: 'awaitingApproval' }],
        on: {
          'xstate.done.actor.*': { actions: { type: 'keepResult', params: ({ event }) => ({ actorId: event.actorId, ...event.output }) } },
          'xstate.error.actor.*': { actions: { type: 'keepResult', params: ({ event }) => ({ actorId: event.actorId, result: { error: textOfError(event.error) }, isError: true }) } },
          'troupe.approval-expired': { actions: 'expire' },
        },
      },
      awaitingApproval: {
        always: [{ guard: 'isAnswered', target: 'thinking' }, { guard: 'isRunning', target: 'acting' }],
        on: { 'troupe.approval-expired': { actions: 'expire' } },
      },
      handingOff: { always: 'closing' },
      checkingOutput: {
        invoke: {
          id: 'outputGuardrails', src: 'outputGuardrails',
          input: ({ context }) => ({ value: context.ending?.output, data: context.data }),
          onDone: [{ guard: ({ event }) => event.output === null, target: 'closing' }, { target: 'closing', actions: { type: 'end', params: ({ event }) => blocked('output', event.output) } }],
          onError: { target: 'closing', actions: { type: 'end', params: ({ event }) => guardFailed(event.error) } },
        },
      },
      closing: {
        id: 'closing',
        entry: 'close',
        always: [
          { guard: 'isSession', target: 'idle' },
          { guard: 'isDone', target: 'done' },
          { guard: 'isHandedOff', target: 'handedOff' },
          { guard: 'isOutOfBudget', target: 'outOfBudget' },
          { guard: 'isBlocked', target: 'blocked' },
          'failed',
        ],
      },
      done: { type: 'final' },
      handedOff: { type: 'final' },
      outOfBudget: { type: 'final' },
      blocked: { type: 'final' },
      failed: { type: 'final' },
      ended: { type: 'final' },
    },
    output: ({ context }) => outcomeOf(context),
  })
}

const contentOf = (message: Message | undefined): unknown => (message?.role === 'user' ? message.content : null)
const blocked = (side: string, reason: string | null): Ending => ({ status: 'blocked', output: null, reason: `${side} guardrail: ${reason}` })
const guardFailed = (error: unknown): Ending => ({ status: 'failed', output: null, reason: `a guardrail failed: ${textOfError(error)}` })
