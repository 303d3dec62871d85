import type { Client } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Call, Run } from '../command.ts'
import { stepLine } from '../output/views.ts'
import type { Step } from '../output/views.ts'
import { stepsOf } from './steps-of.ts'
import { tellWatched } from './watch.ts'

interface Options {
  readonly node?: string
  readonly follow: boolean
}

/** Actors of a run whose past is told. */
const ACTORS_MAX = 1_000
/** So many histories are read before anybody asks what takes so long. */
const QUIET_MAX = 50

export const logs: Run<Options> = async call => {
  const { args: [run = ''], options: { node, follow }, signal } = call
  const client = await call.client()
  const actors = await actorsOf(client, run, signal)
  if (node === undefined) return follow ? followRun(call, client, run, actors) : tellPast(call, client, actors)
  const chosen = actors.filter(address => isNamed(address, node))
  if (chosen.length === 0) throw new TroupeError('actor/unknown', `run ${run} has no actor '${node}' so far: ${actors.slice(0, 10).join(', ')}${actors.length > 10 ? ', …' : ''}`)
  if (!follow) return tellPast(call, client, chosen)
  await Promise.all(chosen.map(address => watchActor(call, client, address, chosen.length > 1)))
  return undefined
}

/** By address, machine, key, or the last part of the key of a spawned actor. */
const isNamed = (address: string, name: string): boolean => {
  const slash = address.indexOf('/')
  const [machine, key] = [address.slice(0, slash), address.slice(slash + 1)]
  return address === name || machine === name || key === name || key.split('>').at(-1) === name
}

async function actorsOf(client: Client, run: string, signal: AbortSignal): Promise<readonly string[]> {
  // A run that is not there is told so, not shown as empty.
  await client.snapshot({ address: run }, { signal })
  const { actors } = await client.listActors({ run, order: 'oldest', limit: ACTORS_MAX }, { signal })
  return actors.map(({ address }) => address)
}

async function watchActor({ out, signal }: Call<Options>, client: Client, address: string, isOneOfMany: boolean): Promise<void> {
  for await (const item of client.watch({ address, from: 0, progress: true }, { signal })) tellWatched(out, item, isOneOfMany ? address : undefined)
}

interface Told {
  readonly address: string
  readonly step: Step
}

/** What was so far, of all of them in the order of time; gives back the last step told of each. */
async function tellPast({ out, signal }: Call<Options>, client: Client, actors: readonly string[], last = new Map<string, number>()): Promise<undefined> {
  const told: Told[] = []
  const progress = actors.length > QUIET_MAX && !out.json ? out.progress('Reading histories', actors.length) : undefined
  for (const [index, address] of actors.entries()) {
    for await (const step of stepsOf(client, { address, from: 0 }, signal)) told.push({ address, step })
    progress?.(index + 1)
  }
  for (const { address, step } of told.toSorted((a, b) => a.step.at - b.step.at)) {
    last.set(address, Math.max(step.seq, last.get(address) ?? 0))
    tell(out, address, step)
  }
}

function tell(out: Call['out'], address: string, step: Step): void {
  if (out.json) out.item({ type: 'step', address, step })
  else out.line(...stepLine(out, step, address))
}

/** From the beginning on: the stream is opened before the past is read, so that nothing lies between them. */
async function followRun(call: Call<Options>, client: Client, run: string, actors: readonly string[]): Promise<undefined> {
  const last = new Map<string, number>()
  let isPastTold = false
  for await (const item of client.follow({ run }, { signal: call.signal })) {
    if (!isPastTold) {
      isPastTold = true
      await tellPast(call, client, actors, last)
      if ((await client.snapshot({ address: run }, { signal: call.signal })).completedAt !== null) return
    }
    if (item.type !== 'step' || item.step.seq <= (last.get(item.step.address) ?? 0)) continue
    tell(call.out, item.step.address, item.step)
    if (item.step.address === run && item.step.status !== 'active' && item.step.status !== 'paused') return
  }
}
