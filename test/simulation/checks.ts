import type { Runtime } from 'troupe'
import { addressOf } from '../../src/core/address.ts'
import { checkHistory } from '../support/faults/checkers.ts'
import { eventOf } from '../support/faults/history.ts'
import type { SimSentEvent } from './client.ts'
import type { Aftermath, Property, Report, Violation, Workload } from './workloads/workload.ts'

/**
 * Holds a world that has come to rest to the properties. Where the store has lost what it had acknowledged the weaker
 * ones count: what is left is a consistent beginning of what was, and nothing of it took effect twice. What tasks did
 * outside is not undone by that, so P7 is not asked for then.
 */
export function checkAftermath(workload: Workload, aftermath: Aftermath): readonly Violation[] {
  const { history, hasLostTail } = aftermath
  const violations: Violation[] = checkHistory(history).filter(({ property }) => !(hasLostTail && property === 'P7'))
  for (const [property, check] of Object.entries(workload.checks)) check(aftermath, what => violations.push({ property: property as Property, what }))
  checkCallers(aftermath, what => violations.push({ property: 'P3', what }))
  for (const actor of history.actors.values()) {
    const { id, record } = actor
    const isLeft = record.status === 'active' ? !workload.mayLive(actor) : record.status === 'paused' || record.status === 'held'
    if (isLeft) violations.push({ property: 'P13', what: `${addressOf(id)} is ${record.status} still` })
  }
  return violations
}

/** What a caller outside has sent through one process, one thing after the other, is applied in that order. */
function checkCallers({ history }: Aftermath, report: Report): void {
  // What was replayed came when somebody wanted it to.
  const buried = new Set(history.letters.map(({ message }) => eventOf(message)?.['op']))
  for (const { id, entries } of history.actors.values()) {
    const last = new Map<Runtime, Map<string, number>>()
    for (const { kind, from, event } of entries) {
      const op = kind === 'event' && from === undefined ? (event?.['op'] as string | undefined) : undefined
      if (op === undefined || buried.has(op)) continue
      const { via, client } = (history.sent.get(op) ?? {}) as Partial<SimSentEvent>
      if (via === undefined || client === undefined) continue
      const number = Number(op.slice(client.length))
      const lastOf = last.get(via) ?? new Map<string, number>()
      if (number < (lastOf.get(client) ?? 0)) report(`${addressOf(id)} has had ${op} after ${client}${lastOf.get(client)}, which the same caller had sent later through the same process`)
      last.set(via, lastOf.set(client, number))
    }
  }
}

export const violationsText = (violations: readonly Violation[]): string => violations.map(({ property, what }) => `${property}: ${what}`).join('\n')
