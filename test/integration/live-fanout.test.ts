import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { eventually, liveRig } from '../support/live-rig.ts'

const CLIENTS = 1_000
const STALLED = 50
const STEPS = 100
/** What the stalled ones are told beside: together far more than the system keeps for a connection. */
const LOUD_STEPS = 16
const NOTE = 'x'.repeat(500_000)
/** All that the stalled ones have not read would be more. */
const BYTES_MAX = (STALLED * LOUD_STEPS * NOTE.length) / 2

interface Follower {
  readonly response: IncomingMessage
  /** Of the steps that it was told of. */
  readonly seqs: number[]
}

/** A client of server-sent events. */
async function follower(url: string, agent: Agent, filter: string): Promise<Follower> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => request(`${url}/api/v1/live${filter}`, { agent }, resolve).on('error', reject).end())
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
  const loud = await rig.client.startActor({ machine: 'counter', key: 'loud' })
  const agent = new Agent({ maxSockets: Infinity })
  const open = (count: number, filter = ''): Promise<Follower[]> => Promise.all(Array.from({ length: count }, () => follower(rig.url, agent, filter)))
  const stalled = await open(STALLED)
  for (const { response } of stalled) response.pause()
  const others: Follower[] = []
  while (others.length < CLIENTS - STALLED) others.push(...(await open(50, `?address=${encodeURIComponent(actor.address)}`)))

  const held = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external
  const before = held()
  for (let n = 0; n < LOUD_STEPS; n++) await rig.client.sendEvent({ ...loud, event: { type: 'ADD', note: NOTE } })
  for (let n = 0; n < STEPS; n++) await rig.client.sendEvent({ ...actor, event: { type: 'ADD', n } })
  await eventually('all others up to date', () => others.every(({ seqs }) => seqs.length === STEPS), 60_000)
  for (const { seqs } of others) expect(seqs).toEqual(Array.from({ length: STEPS }, (_, index) => index + 2))
  expect(held() - before).toBeLessThan(BYTES_MAX)
  expect(stalled.some(({ seqs }) => seqs.length > LOUD_STEPS)).toBe(false)

  for (const { response } of stalled) response.resume()
  await eventually('those who read again up to date', () => stalled.every(({ seqs }) => seqs.length === STEPS + LOUD_STEPS), 90_000)
  const all = [LOUD_STEPS, STEPS].flatMap(length => Array.from({ length }, (_, index) => index + 2)).toSorted((a, b) => a - b)
  for (const { seqs } of stalled) expect(seqs.toSorted((a, b) => a - b)).toEqual(all)
  agent.destroy()
}, 180_000)
