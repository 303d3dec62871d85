import type { Client, OutputOf } from '../../core/client/client.ts'

/** What there is to see at one moment. */
export interface Look {
  readonly at: number
  readonly health: OutputOf<'health'>
  readonly cluster: OutputOf<'cluster'>
  readonly queues: OutputOf<'queues'>['queues']
  readonly tally: OutputOf<'tallyActors'>
  /** Counters per second since the look before; none at the first. */
  readonly rates: Readonly<Record<string, number>>
  /** Steps per second of the last looks, oldest first. */
  readonly steps: readonly number[]
}

const KEPT = 120

export async function look(client: Client, before: Look | undefined, signal: AbortSignal): Promise<Look> {
  const [health, cluster, { queues }, tally] = await Promise.all([client.health({}, { signal }), client.cluster({}, { signal }), client.queues({}, { signal }), client.tallyActors({}, { signal })])
  const seconds = before ? (health.at - before.health.at) / 1_000 : 0
  // A server that has started again counts from 0.
  const rateOf = (name: string): number => (before && seconds > 0 ? Math.max(0, ((health.counters[name] ?? 0) - (before.health.counters[name] ?? 0)) / seconds) : 0)
  const rates = Object.fromEntries(Object.keys(health.counters).map(name => [name, rateOf(name)]))
  return { at: health.at, health, cluster, queues, tally, rates, steps: before ? [...before.steps, rates['steps'] ?? 0].slice(-KEPT) : [] }
}
