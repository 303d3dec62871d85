import { agent, scriptedModel } from 'troupe/agents'
import { handoff } from 'troupe/patterns'

const transfers = scriptedModel({ rules: [], otherwise: () => ({ toolCalls: [{ tool: 'transfer_to_billing', input: { reason: 'a bill' } }] }) })
const answers = scriptedModel({ rules: [], otherwise: () => 'Your bill is corrected.' })

const triage = agent({ name: 'triage', instructions: 'Find out who can help.', handoffs: ['billing'], model: transfers })
const billing = agent({ name: 'billing', instructions: 'Help with bills.', model: answers })
const desk = handoff({ name: 'desk', start: 'triage', members: { triage: 'triage', billing: 'billing' } })

export const machines = { desk, triage, billing }
