import { setTimeout as wait } from 'node:timers/promises'
import type { Inspected } from './inspected.ts'

const TICK_MS = 4

export async function startWheels({ client }: Inspected, names: readonly string[]): Promise<readonly string[]> {
  for (const key of names) await client.startActor({ machine: 'wheel', key })
  return names.map(key => `wheel/${key}`)
}

/** Turns wheels so many times a second, evenly, for so long or until `signal`; gives how often. */
export async function turnWheels({ client }: Inspected, addresses: readonly string[], perSecond: number, seconds: number, signal?: AbortSignal): Promise<number> {
  const started = performance.now()
  const sent = new Set<Promise<unknown>>()
  let count = 0
  while (count < perSecond * seconds && !signal?.aborted) {
    const due = Math.min(Math.floor(((performance.now() - started) / 1_000) * perSecond), perSecond * seconds)
    for (; count < due; count++) {
      const one: Promise<unknown> = client.sendEvent({ address: addresses[count % addresses.length] ?? '', event: { type: 'turn' } }).finally(() => sent.delete(one))
      sent.add(one)
    }
    await wait(TICK_MS)
  }
  await Promise.all(sent)
  return count
}
