/** What the agents say offline: rules in place of a language model, for the same tools and handoffs. */
import { scriptedModel } from 'troupe/agents'
import type { Message, ModelRequest, ScriptRule, ScriptStep, ScriptedReply } from 'troupe/agents'
import { money } from './shop.ts'

const MONEY = /refund|money|charged|paid|invoice|bill\b/i
const DEVICE = /broken|dark|flicker|silent|slow|does not work|doesn't work|connection|did not help|didn't help|still/i
const DELIVERY = /where|parcel|deliver|my orders|arrive/i
const NUMBER = /\b\d{4}\b/
const THANKS = /thank|bye|that is all/i

interface Order {
  readonly order: string
  readonly item: string
  readonly cents: number
  readonly status: string
  readonly isRefunded?: boolean
}

const textOf = (message: Message | undefined): string => (message?.role === 'user' && typeof message.content === 'string' ? message.content : '')
/** What the customer has said last, be it in the words of who has handed over. */
const lastWords = ({ messages }: ModelRequest): string => {
  const words = textOf(messages.at(-1))
  return /the customer says "(.*)"/s.exec(words)?.[1] ?? words
}
/** The order that was named last. */
const orderIn = ({ messages }: ModelRequest): string | undefined => messages.map(message => NUMBER.exec(textOf(message))?.[0]).findLast(number => number !== undefined)

type Result = Extract<Message, { role: 'tool' }>

/** What to say when a tool has answered. */
const told = <T>(tool: string, reply: (result: T) => ScriptedReply | string): ScriptRule => ({
  when: ({ messages }) => isResultOf(messages.at(-1), tool),
  reply: request => {
    const { result, isError } = request.messages.at(-1) as Result
    return isError ? `I am sorry, that was not possible: ${(result as { readonly error: string }).error}.` : reply(result as T)
  },
})
const isResultOf = (message: Message | undefined, tool: string): boolean => message?.role === 'tool' && message.tool === tool

const call = (tool: string, input: object) => ({ toolCalls: [{ tool, input }] })
/** Who gets control reads why, and that is what it goes by. */
const passTo = (agent: string, when: RegExp): ScriptRule => ({ when, reply: request => call(`transfer_to_${agent}`, { reason: `the customer says "${lastWords(request)}"` }) })

const thanks: ScriptRule = { when: THANKS, reply: 'You are welcome. Good-bye!' }
const status = ({ order, item, status: where }: Order): string => `Order ${order}, ${item}: ${where}.`
const WHICH = 'Which order is it about? Tell me its number, please.'
const findIt: ScriptStep = request => withOrder(request, order => call('find_order', { order }))
const openTicket: ScriptStep = request => withOrder(request, order => call('open_ticket', { order, problem: lastWords(request) }))
const withOrder = (request: ModelRequest, use: (order: string) => ReturnType<typeof call>) => {
  const order = orderIn(request)
  return order === undefined ? WHICH : use(order)
}

export const triageRules = scriptedModel({
  rules: [
    told<Order>('find_order', status),
    told<readonly Order[]>('list_orders', orders => orders.map(status).join('\n')),
    passTo('billing', MONEY),
    passTo('tech', DEVICE),
    { when: DELIVERY, reply: request => (NUMBER.test(lastWords(request)) ? call('find_order', { order: orderIn(request) }) : call('list_orders', {})) },
    thanks,
  ],
  otherwise: 'I can help with orders, payments and devices. What is it about?',
})

export const billingRules = scriptedModel({
  rules: [
    told<Order>('find_order', ({ order, item, isRefunded }) => (isRefunded ? `Order ${order}, ${item}, was paid back already.` : call('refund', { order, reason: 'the customer asks for it' }))),
    told<Order>('refund', ({ order, cents }) => `Done: ${money(cents)} for order ${order} are on their way to you.`),
    { when: MONEY, reply: findIt },
    passTo('tech', DEVICE),
    passTo('triage', DELIVERY),
    thanks,
    { when: NUMBER, reply: findIt },
  ],
  otherwise: 'I can pay an order back. Which one is it about?',
})

export const techRules = scriptedModel({
  rules: [
    told<readonly { readonly title: string; readonly steps: readonly string[] }[]>('search_guide', ([article]) =>
      article ? [`${article.title}:`, ...article.steps.map((step, index) => `${index + 1}. ${step}`), 'Tell me if it did not help.'].join('\n') : 'I have no instructions for that. Which order is it about? A technician will look at it.'),
    told<{ readonly ticket: string; readonly order: string }>('open_ticket', ({ ticket, order }) => `Ticket ${ticket} is open: a technician will look at order ${order}.`),
    passTo('billing', MONEY),
    { when: /did not help|didn't help|still/i, reply: openTicket },
    { when: DEVICE, reply: request => call('search_guide', { words: lastWords(request) }) },
    passTo('triage', DELIVERY),
    thanks,
    { when: NUMBER, reply: openTicket },
  ],
  otherwise: 'What does it do, and what should it do?',
})
