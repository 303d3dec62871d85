import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { eventually, liveRig } from '../support/live-rig.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const CLIENTS = 1_000
const STALLED = 50
const STEPS = 40
/** What the stalled ones are told beside: together far more than the system keeps for a connection. */
const LOUD_STEPS = 64
const NOTE = 'x'.repeat(100_000)
/** Held 35 to 52 MB, of which half is for the others; with a queue that takes all for each of the stalled 125 MB. */
const BYTES_MAX = 80e6

interface Follower {
  readonly response: IncomingMessage
  /** Of the steps that it was told of. */
  readonly seqs: number[]
}

/** A client of server-sent events. */
async function follower(url: string, agent: Agent, stream: string): Promise<Follower> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => request(`${url}/api/v1${stream}`, { agent }, resolve).on('error', reject).end())
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
  const open = (count: number, stream: string): Promise<Follower[]> => Promise.all(Array.from({ length: count }, () => follower(rig.url, agent, stream)))
  // Each is told on its own: those who follow the same are sent the same bytes, which a queue for each would hold but once.
  const stalled = await open(STALLED, `/actors/${loud.address}/live`)
  for (const { response } of stalled) response.pause()
  const others: Follower[] = []
  while (others.length < CLIENTS - STALLED) others.push(...(await open(50, `/live?address=${encodeURIComponent(actor.address)}`)))

  const held = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed + process.memoryUsage().external
  }
  const before = held()
  for (let n = 0; n < LOUD_STEPS; n++) await rig.client.sendEvent({ ...loud, event: { type: 'ADD', note: NOTE } })
  for (let n = 0; n < STEPS; n++) await rig.client.sendEvent({ ...actor, event: { type: 'ADD', n } })
  await eventually('all others up to date', () => others.every(({ seqs }) => seqs.length === STEPS), 60_000)
  for (const { seqs } of others) expect(seqs).toEqual(Array.from({ length: STEPS }, (_, index) => index + 2))
  expect(held() - before).toBeLessThan(BYTES_MAX)
  expect(stalled.some(({ seqs }) => seqs.length === LOUD_STEPS)).toBe(false)

  for (const { response } of stalled) response.resume()
  await eventually('those who read again up to date', () => stalled.every(({ seqs }) => seqs.length === LOUD_STEPS), 90_000)
  for (const { seqs } of stalled) expect(seqs).toEqual(Array.from({ length: LOUD_STEPS }, (_, index) => index + 2))
  agent.destroy()
}, 180_000)
