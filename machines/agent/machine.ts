import { WAITS_FOR_PEOPLE, catalogued } from '../../src/core/catalogue.ts'
import { permitOf } from '../permit.ts'
import type { BreakerUse } from '../permit.ts'
import { openApprovals } from './approval.ts'
import { excessOf, outOfBudget } from './budget.ts'
import { newContext, resultOf } from './context.ts'
import type { AgentContext, Ending } from './context.ts'
import { textOfError } from './limits.ts'
import type { Message } from './model.ts'
import { prepared } from './model-task.ts'
import type { ModelCallInput } from './model-task.ts'
import type { AgentSettings } from './options.ts'
import { requestOf, summaryRequestOf } from './request.ts'
import { agentSetup } from './setup.ts'

/** The statechart of an agent. */
export function agentMachine(agent: AgentSettings) {
  const { name, budget, modelCall = {} } = agent
  /** Null: the call reads its request from the agent, which costs nothing. */
  const input = (request: typeof requestOf) => ({ context }: { readonly context: AgentContext }): ModelCallInput => (modelCall.queue === undefined ? null : prepared(() => request(context, agent)))

  return agentSetup(agent).createMachine({
    id: name,
    meta: catalogued({ kind: 'agent', name, capabilities: agent.capabilities ?? [], model: agent.modelId, tools: [...agent.tools.keys()], ...(agent.description !== undefined && { description: agent.description }) }, context => openApprovals(context as AgentContext, agent)),
    context: ({ input: given }) => newContext(given),
    initial: 'idle',
    on: {
      'user.message': { actions: 'enqueueMessage' },
      'approval.decide': { actions: 'decide' },
      // What it has told already, when it was not at work, it does not tell again.
      'agent.end': [{ guard: 'isAtWork', target: '.ended', actions: ['dismiss', 'close'] }, { target: '.ended', actions: 'dismiss' }],
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
              { guard: 'asksBreaker', target: 'asking' },
              'allowed',
            ],
          },
          asking: {
            entry: 'countPermit',
            invoke: {
              id: 'permit', src: 'permit', input: ({ context, self }) => ({ ...(agent.breaker as Required<BreakerUse>), id: permitOf(self, context.permits) }),
              onDone: [{ guard: ({ event }) => event.output === null, target: 'allowed' }, { target: '#closing', actions: { type: 'end', params: ({ event }) => failed(String(event.output)) } }],
            },
          },
          allowed: { always: [{ guard: 'mustSummarise', target: 'remembering' }, 'calling'] },
          remembering: {
            invoke: {
              id: 'summariser', src: 'summariser', input: input(summaryRequestOf),
              onDone: { target: 'remembered', actions: [{ type: 'tellBreaker', params: ({ event }) => event.output }, { type: 'remember', params: ({ event }) => event.output }] },
              onError: { target: '#closing', actions: [{ type: 'tellBreaker', params: { ok: false } }, { type: 'missHearing', params: ({ event }) => ({ error: event.error, whose: 'the summary' }) }] },
            },
          },
          remembered: { always: [{ guard: 'isEnding', target: '#closing' }, 'weighing'] },
          calling: {
            invoke: {
              id: 'model', src: 'model', input: input(requestOf),
              onDone: { target: '#considering', actions: [{ type: 'tellBreaker', params: ({ event }) => event.output }, { type: 'hear', params: ({ event }) => event.output }] },
              onError: { target: '#closing', actions: [{ type: 'tellBreaker', params: { ok: false } }, { type: 'missHearing', params: ({ event }) => ({ error: event.error, whose: 'the model' }) }] },
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
        initial: 'running',
        states: {
          running: { always: { guard: 'isAwaiting', target: 'asking' } },
          // Some calls run, others wait for people: these need not wait for those.
          asking: { tags: WAITS_FOR_PEOPLE, always: { guard: 'isOnlyRunning', target: 'running' } },
        },
        on: {
          'xstate.done.actor.*': { actions: { type: 'keepResult', params: ({ event }) => ({ actorId: event.actorId, ...event.output }) } },
          'xstate.error.actor.*': { actions: { type: 'keepResult', params: ({ event }) => ({ actorId: event.actorId, result: { error: textOfError(event.error) }, isError: true }) } },
          'troupe.approval-expired': { actions: 'expire' },
        },
      },
      awaitingApproval: {
        tags: WAITS_FOR_PEOPLE,
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
    output: ({ context }) => resultOf(context, agent.limits),
  })
}

const contentOf = (message: Message | undefined): unknown => (message?.role === 'user' ? message.content : null)
const blocked = (side: string, reason: string | null): Ending => ({ status: 'blocked', output: null, reason: `${side} guardrail: ${reason}` })
const failed = (reason: string): Ending => ({ status: 'failed', output: null, reason })
const guardFailed = (error: unknown): Ending => failed(`a guardrail failed: ${textOfError(error)}`)
