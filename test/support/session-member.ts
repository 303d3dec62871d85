import { assign, enqueueActions, setup } from 'xstate'
import type { AgentInput, AgentReport, Content, Message } from '../../machines/agent/index.ts'
import { noUsage } from '../../machines/outcome.ts'
import type { Outcome } from '../../machines/outcome.ts'

/** What a member in a session says to what it is told: an answer, a handoff, an outcome; silence when it is undefined. */
export type Said = string | { readonly to: string; readonly reason?: string } | Outcome | undefined

interface Context {
  readonly input: AgentInput
  readonly heard: readonly Message[]
}

const usage = { ...noUsage, modelCalls: 1 }

/** A machine that speaks as an agent does in a session, by a function of all that it has heard. */
export const sessionMember = (name: string, say: (heard: readonly string[]) => Said) =>
  setup({
    types: { context: {} as Context, input: {} as AgentInput, events: {} as { readonly type: 'user.message'; readonly content: Content } | { readonly type: 'die' }, output: {} as Outcome },
    actions: {
      hear: assign({ heard: ({ context }, content: Content) => [...context.heard, { role: 'user' as const, content }] }),
      answer: enqueueActions(({ context, enqueue }) => {
        const said = say(context.heard.map(message => (message.role === 'user' ? (message.content as string) : message.role)))
        if (said === undefined) return
        const outcome = (status: Outcome['status'], output: unknown): Outcome => ({ kind: 'outcome', status, output, reason: null, usage })
        if (typeof said === 'object' && 'to' in said) {
          enqueue.sendParent({ type: 'agent.handed-off', agent: name, to: said.to, reason: said.reason ?? '', messages: context.heard, usage } satisfies AgentReport)
        } else enqueue.sendParent({ type: 'agent.answered', agent: name, outcome: typeof said === 'string' ? outcome('done', said) : said } satisfies AgentReport)
      }),
    },
  }).createMachine({
    id: name,
    context: ({ input }) => ({ input, heard: input.messages ?? [] }),
    initial: 'idle',
    states: { idle: { on: { 'user.message': { actions: [{ type: 'hear', params: ({ event }) => event.content }, 'answer'] }, die: 'over' } }, over: { type: 'final' } },
  })
