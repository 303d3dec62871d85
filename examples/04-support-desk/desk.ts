import { agent } from 'troupe/agents'
import { handoff } from 'troupe/patterns'
import { modelOfEnvironment } from './model.ts'
import { billingRules, techRules, triageRules } from './rules.ts'
import { createTools } from './shop.ts'

/** Three agents, of whom one at a time has the customer. */
export async function createDesk(book: string) {
  const { listOrders, findOrder, refund, searchGuide, openTicket } = createTools(book)
  const model = await modelOfEnvironment()
  const toTriage = { to: 'triage', description: 'Anything else: where orders are, general questions.' }
  const toBilling = { to: 'billing', description: 'Refunds, payments, invoices.' }
  const toTech = { to: 'tech', description: 'Devices that do not work.' }
  const manners = 'Answer in a few plain sentences. Do only what your tools can do; hand over what is not yours, with the customer\'s words as the reason.'

  const triage = agent({
    name: 'triage', instructions: `You receive the customers of a shop: tell them where their orders are, or hand over. ${manners}`,
    model: model ?? triageRules, tools: [listOrders, findOrder], handoffs: [toBilling, toTech], budget: { turnsMax: 8 },
  })
  const billing = agent({
    name: 'billing', instructions: `You look after payments and refunds. Look at an order before you refund it. ${manners}`,
    model: model ?? billingRules, tools: [findOrder, refund], handoffs: [toTech, toTriage], budget: { turnsMax: 8 },
  })
  const tech = agent({
    name: 'tech', instructions: `You help with devices: first with the guide, then with a ticket. ${manners}`,
    model: model ?? techRules, tools: [searchGuide, findOrder, openTicket], handoffs: [toBilling, toTriage], budget: { turnsMax: 8 },
  })
  const desk = handoff({ name: 'desk', start: 'triage', members: { triage: 'triage', billing: 'billing', tech: 'tech' } })
  return { desk, triage, billing, tech }
}
