import { scriptedModel } from 'troupe/agents'
import type { Message, ModelRequest } from 'troupe/agents'

type ToolMessage = Extract<Message, { readonly role: 'tool' }>

const resultsOf = ({ messages }: ModelRequest): readonly ToolMessage[] => messages.filter(message => message.role === 'tool')

/** A model without a network: calls each tool that asks for nothing, then says what they have found. */
export const ruleModel = scriptedModel({
  rules: [{ when: request => resultsOf(request).length > 0, reply: request => conclude(resultsOf(request)) }],
  otherwise: ({ tools }) => ({ toolCalls: tools.filter(({ input }) => Object.keys(input['properties'] ?? {}).length === 0).map(({ name }) => ({ tool: name })) }),
}, { modelId: 'rules' })

function conclude(results: readonly ToolMessage[]) {
  const failure = results.find(({ isError }) => isError)
  if (failure) return { throws: Object.assign(new Error((failure.result as { readonly error: string }).error), { retryable: false }) }
  const found = results.map(({ result }) => result as { readonly findings: readonly unknown[]; readonly retries: number })
  return { text: JSON.stringify({ findings: found.flatMap(({ findings }) => findings), retries: found.reduce((sum, { retries }) => sum + retries, 0) }) }
}
