import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRuntime } from 'troupe'
import { assign, setup } from 'xstate'
import { waitUntil } from '../support/processes.ts'
import { startPair } from '../support/redis/redis-pair.ts'

const tally = setup({ types: { context: {} as { readonly seen: readonly number[] }, events: {} as { readonly type: 'COUNT'; readonly n: number } } }).createMachine({
  context: { seen: [] },
  on: { COUNT: { actions: assign({ seen: ({ context, event }) => [...context.seen, event.n] }) } },
})

const ACTORS = 12
/** Longer than anything here is waited for: nobody has to wait for the end of a lease that a failover has brought back. */
const LEASE_MS = 60_000

test('nodes whose claims a failover has taken back claim again: what is accepted from then on is done once, in order', async () => {
  await using pair = await startPair()
  const store = `${pair.url}?prefix=test-${randomUUID()}&partitions=32`
  const options = { machines: { tally }, store, limits: { leaseTtlMs: LEASE_MS }, onError: () => undefined }
  const first = await createRuntime(options)
  const handles = Array.from({ length: ACTORS }, (_, index) => first.actor('tally', `${index}`))
  await Promise.all(handles.map(handle => handle.start()))
  await pair.cutLink()
  // It takes partitions over, of which the new primary will know nothing.
  const second = await createRuntime(options)
  await waitUntil('both own some', () => [first, second].every(runtime => runtime.health().partitions.owned.length > 0))

  let sent = 0
  let hasFailedOver = false
  let stopped = false
  /** The first that was sent after the failover, and the last of all. */
  const lanes = Array.from({ length: ACTORS }, async (_, index) => {
    const handle = (index % 2 === 0 ? first : second).actor('tally', `${index}`)
    let acceptedSince: number | undefined
    let n = 1
    for (; !stopped; n++) {
      while (!(await handle.send({ type: 'COUNT', n }, { idempotencyKey: `n${n}` }).then(() => true, () => false))) await new Promise(resolve => setTimeout(resolve, 5))
      if (hasFailedOver) acceptedSince ??= n + 1
      sent++
    }
    return [acceptedSince ?? n, n - 1] as const
  })
  await waitUntil('events are in flight', () => sent > 10 * ACTORS)
  await pair.failOver()
  hasFailedOver = true
  const before = sent
  await waitUntil('work goes on', () => sent > before + 20 * ACTORS)
  await waitUntil('all is owned again', async () => (await first.cluster()).partitions.every(({ node }) => node !== null))
  stopped = true
  for (const [index, [from, to]] of (await Promise.all(lanes)).entries()) {
    const handle = second.actor('tally', `${index}`)
    await waitUntil(`actor ${index} has seen ${to}`, async () => (await handle.snapshot()).context.seen.at(-1) === to)
    const { seen } = (await handle.snapshot()).context
    expect(seen, 'once, in order').toEqual([...new Set(seen)].toSorted((a, b) => a - b))
    expect(seen.filter(n => n >= from), 'all that was accepted since').toEqual(Array.from({ length: to - from + 1 }, (_, n) => from + n))
  }
  expect(first.health().counters.fenced + second.health().counters.fenced).toBeGreaterThan(0)
  await Promise.all([first.close(), second.close()])
}, 60_000)
