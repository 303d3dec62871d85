import { z } from 'zod'
import type { Handover } from './context.ts'
import type { ToolCall, ToolSpec } from './model.ts'

/** Whom an agent may hand its work over to. */
export interface Handoff {
  /** Name of the agent that is to go on. */
  readonly to: string
  /** When to hand over to it, for the model. */
  readonly description?: string
}

const PREFIX = 'transfer_to_'

const input = z.object({ reason: z.string().describe('Why, and what is to be done').default('') })
const inputSchema = z.toJSONSchema(input, { io: 'input' })

/** A tool's name as providers take it; names of agents may have dots. */
export const handoffName = ({ to }: Handoff): string => PREFIX + to.replaceAll('.', '_')

export const readHandoffs = (handoffs: readonly (Handoff | string)[]): readonly Handoff[] => handoffs.map(handoff => (typeof handoff === 'string' ? { to: handoff } : handoff))

/** Handing over, as the model is told of it. */
export const handoffSpec = (handoff: Handoff): ToolSpec => ({ name: handoffName(handoff), description: `Hand the conversation over to ${handoff.to}, who goes on with it.${handoff.description ? ` ${handoff.description}` : ''}`, input: inputSchema })

export const isHandoffName = (name: string): boolean => name.startsWith(PREFIX)

/** Whom a call hands over to, and why; undefined for other calls. */
export function handoffIn({ tool, input: given }: ToolCall, handoffs: readonly Handoff[]): Handover | undefined {
  const handoff = handoffs.find(other => tool === handoffName(other))
  if (!handoff) return undefined
  const read = input.safeParse(given)
  return { to: handoff.to, reason: read.success ? read.data.reason : '' }
}
