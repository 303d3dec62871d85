import { remote } from 'troupe'
import type { RemoteLogic } from 'troupe'
import type { AnyActorLogic } from 'xstate'
import { assign, enqueueActions, setup } from 'xstate'
import { addressOf, parseAddress } from '../../../src/core/address.ts'
import type { Client } from '../client.ts'
import type { Aftermath, Report, Workload, WorkloadParts } from './workload.ts'

const CLIENTS = 4
/** Operations that one tree stands for: it has about ten actors. */
const WEIGHT = 12
const RIPEN_MAX_MS = 300

interface Seedling {
  /** How many children each actor has, from the root down; none for a leaf. */
  readonly widths: readonly number[]
  /** How long a leaf takes. */
  readonly ripenMs: number
  /** Leaves with this number throw. */
  readonly rotten: number
  readonly number: number
}

interface Grove extends Seedling {
  /** Children that are over, with what they gave; null for those that failed. */
  readonly over: readonly (number | null)[]
}

type GroveEvent = { type: 'xstate.done.actor.*'; output: number } | { type: 'xstate.error.actor.*' }

/** An actor that spawns others like itself, some of them spread, and is done when all of them are; a leaf is done after a while. */
const grove = setup({
  types: { context: {} as Grove, events: {} as GroveEvent, input: {} as Seedling, output: {} as number },
  actors: { near: remote<AnyActorLogic>('grove') as RemoteLogic<AnyActorLogic>, far: remote<AnyActorLogic>('grove', { spread: true }) as RemoteLogic<AnyActorLogic> },
  actions: {
    plant: enqueueActions(({ enqueue, context: { widths, number, ...rest } }) => {
      const [width = 0, ...below] = widths
      for (let child = 0; child < width; child++) enqueue.spawnChild(child % 2 === 0 ? 'near' : 'far', { id: `c${child}`, input: { ...rest, widths: below, number: number * 4 + child } })
    }),
    ripen: ({ context }) => {
      if (context.number % 7 === context.rotten) throw new Error(`leaf ${context.number} is rotten`)
    },
  },
  delays: { ripening: ({ context }) => context.ripenMs + (context.number % 5) },
}).createMachine({
  context: ({ input }) => ({ ...input, over: [] }),
  output: ({ context }) => (context.widths.length === 0 ? 1 : context.over.reduce<number>((sum, fruit) => sum + (fruit ?? 0), 0)),
  initial: 'sprouting',
  states: {
    sprouting: { always: [{ guard: ({ context }) => context.widths.length === 0, target: 'leaf' }, 'branch'] },
    leaf: { after: { ripening: { target: 'ripe', actions: 'ripen' } } },
    branch: {
      entry: 'plant',
      on: {
        'xstate.done.actor.*': { actions: assign({ over: ({ context, event }) => [...context.over, event.output] }) },
        'xstate.error.actor.*': { actions: assign({ over: ({ context }) => [...context.over, null] }) },
      },
      always: { guard: ({ context }) => context.over.length >= (context.widths[0] ?? 0), target: 'ripe' },
    },
    ripe: { type: 'final' },
  },
})

export function createTrees({ hire, size }: WorkloadParts): Workload {
  const yields = new Map<string, { readonly seedling: Seedling; readonly output: unknown }>()
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLIENTS))

  async function planter(client: Client): Promise<void> {
    const { draw } = client
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const name = client.nextOperation()
      const seedling = { widths: draw.of([[3], [2, 2], [3, 2], [2, 3]]), ripenMs: draw.from(0, RIPEN_MAX_MS), rotten: draw.from(0, 14), number: 1 }
      yields.set(name, { seedling, output: await client.result(`grove/${name}`, seedling) })
    }
  }

  const check = (aftermath: Aftermath, report: Report): void => {
    for (const [name, { seedling, output }] of yields) if (output !== fruitOf(seedling)) report(`grove/${name} bore ${JSON.stringify(output)} instead of ${fruitOf(seedling)}`)
    checkChildren(aftermath, report)
  }

  return {
    machines: { grove },
    run: async () => void (await Promise.all(Array.from({ length: CLIENTS }, (_, index) => planter(hire(`g${index}-`))))),
    checks: { P2: check },
    mayLive: () => false,
  }
}

function fruitOf({ widths, number, rotten, ...rest }: Seedling): number {
  const [width = 0, ...below] = widths
  if (widths.length === 0) return number % 7 === rotten ? 0 : 1
  return Array.from({ length: width }, (_, child) => fruitOf({ ...rest, rotten, widths: below, number: number * 4 + child })).reduce((sum, fruit) => sum + fruit, 0)
}

/** Every child was born, and its parent has heard exactly once of its end. */
function checkChildren({ history: { actors } }: Aftermath, report: Report): void {
  const heard = new Map<string, number>()
  for (const { entries } of actors.values()) {
    for (const { kind, event } of entries) {
      const child = kind === 'child' ? (event?.['child'] as string) : undefined
      if (child !== undefined) heard.set(child, (heard.get(child) ?? 0) + 1)
    }
  }
  for (const { id, record } of actors.values()) {
    const times = heard.get(addressOf(id)) ?? 0
    if (record.parent !== null && times !== 1) report(`the parent of ${addressOf(id)} has heard ${times} times of its end`)
  }
  for (const child of heard.keys()) if (!actors.has(parseAddress(child))) report(`${child} has ended, but never lived`)
}
