import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { eventually, liveRig } from '../support/live-rig.ts'

const CLIENTS = 1_000
const STALLED = 50
const STEPS = 120
/** So that all steps together are far more than what the system keeps for a connection. */
const NOTE = 'x'.repeat(60_000)
/** Of one stalled client: all steps together would be 7 MB. */
const BYTES_PER_STALLED_MAX = 1 << 20

/** A client of server-sent events that counts the steps it is told of. */
async function follower(url: string, agent: Agent): Promise<{ readonly response: IncomingMessage; readonly seqs: number[] }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => request(`${url}/api/v1/live`, { agent }, resolve).on('error', reject).end())
  const seqs: number[] = []
  let rest = ''
  response.on('data', (chunk: Buffer) => {
    const text = rest + chunk.toString('latin1')
    const end = text.lastIndexOf('\n') + 1
    for (const [, seq] of text.slice(0, end).matchAll(/^data: \{"type":"step".*?"seq":(\d+)/gm)) seqs.push(Number(seq))
    rest = text.slice(end)
  })
  response.on('error', () => undefined)
  return { response, seqs }
}

test('a thousand clients are kept up to date while fifty of them do not read, and those get everything when they read again', async () => {
  await using rig = await liveRig()
  const actor = await rig.client.startActor({ machine: 'counter', key: 'told' })
  const agent = new Agent({ maxSockets: Infinity })
  const followers: Awaited<ReturnType<typeof follower>>[] = []
  for (let count = 0; count < CLIENTS; count += 50) followers.push(...(await Promise.all(Array.from({ length: 50 }, () => follower(rig.url, agent)))))
  const stalled = followers.slice(0, STALLED)
  for (const { response } of stalled) response.pause()
  const others = followers.slice(STALLED)

  const before = process.memoryUsage().rss
  // Short ones for all, and long ones that only those who do not read have to wait for: a filter of their own would hide them.
  for (let n = 0; n < STEPS; n++) {
    await rig.client.sendEvent({ ...actor, event: { type: 'ADD', n, ...(n % 20 === 0 && { note: NOTE }) } })
  }
  await eventually('all others up to date', () => others.every(({ seqs }) => seqs.length === STEPS), 60_000)
  expect((process.memoryUsage().rss - before) / STALLED).toBeLessThan(BYTES_PER_STALLED_MAX * 4)
  expect(stalled.some(({ seqs }) => seqs.length === STEPS)).toBe(false)

  for (const { response } of stalled) response.resume()
  await eventually('those who read again up to date', () => stalled.every(({ seqs }) => seqs.length === STEPS), 60_000)
  for (const { seqs } of followers) expect(seqs).toEqual(Array.from({ length: STEPS }, (_, index) => index + 2))
  agent.destroy()
}, 180_000)
