import type { Runtime } from 'troupe'
import { createMachines } from '../../support/faults/machines.ts'
import type { Client } from '../client.ts'
import type { Workload, WorkloadParts } from './workload.ts'

const PATIENTS = 3
const ACCOUNTS = 3
/** Operations that one round stands for. */
const WEIGHT = 1.2
const OPENING = 1_000

/** Actors are poisoned, from outside and by each other; what comes of it is replayed or discarded, over and over. */
export function createLetters({ outside, hire, size, begun }: WorkloadParts): Workload {
  const { account, fragile } = createMachines({ effect: effect => outside.effect(effect), gate: () => new Promise(() => undefined) })
  const rounds = Math.max(1, Math.round(size / WEIGHT / PATIENTS))

  async function poisoner(client: Client, index: number): Promise<void> {
    const { draw } = client
    const patient = `fragile/f${index}`
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const kind = draw.from(0, 6)
      if (kind === 0) await client.send(patient, { type: 'WORK' }, { asks: true })
      else if (kind < 3) await client.send(patient, { type: 'POISON' })
      else if (kind === 3) await client.send(`account/${draw.from(0, ACCOUNTS)}`, { type: 'NOTIFY', to: patient, poison: draw.chance(0.7) })
      else await mend(client, index)
    }
  }

  /** Sometimes an actor is mended first: then a replay comes to a good end. */
  async function mend(client: Client, index: number): Promise<void> {
    const { draw } = client
    if (draw.chance(0.3)) await client.send(`fragile/f${index}`, { type: 'MEND' })
    const letters = (await client.insist('letters', runtime => runtime.deadLetters.list({ address: `fragile/f${index}` }))) ?? []
    for (const { id } of letters) {
      const isKept = draw.chance(0.3)
      const isDiscarded = draw.chance(0.4)
      if (isKept) continue
      await client.insist(`${isDiscarded ? 'discard' : 'replay'} ${id}`, runtime => resolve(runtime, id, isDiscarded))
    }
  }

  return {
    machines: { account, fragile },
    async run() {
      const opener = hire('o')
      await Promise.all(Array.from({ length: PATIENTS }, (_, index) => opener.start(`fragile/f${index}`)))
      await Promise.all(Array.from({ length: ACCOUNTS }, (_, index) => opener.start(`account/${index}`, { cents: OPENING })))
      begun()
      await Promise.all(Array.from({ length: PATIENTS }, (_, index) => poisoner(hire(`p${index}-`), index)))
    },
    checks: {},
    mayLive: () => true,
  }
}

/** An error that says it is done, or was done, or poisons again and so is done, is as good as none. */
async function resolve(runtime: Runtime, id: string, isDiscarded: boolean): Promise<void> {
  try {
    await (isDiscarded ? runtime.deadLetters.discard(id, 'of no use') : runtime.deadLetters.replay(id))
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'dead-letter/unknown' && code !== 'event/poisoned') throw error
  }
}
