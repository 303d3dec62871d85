import { remote, task } from 'troupe'
import type { RemoteLogic, Supervision, TaskScope } from 'troupe'
import type { AnyActorLogic } from 'xstate'
import { assign, enqueueActions, raise, sendParent, sendTo, setup } from 'xstate'
import type { Client } from '../client.ts'
import type { Outside } from '../outside.ts'
import { checkLives } from './crew-checks.ts'
import type { Aftermath, Report, Workload, WorkloadParts } from './workload.ts'

const CLIENTS = 3
/** Operations that one crew stands for: its hands have about a dozen lives. */
const WEIGHT = 25
const HANDS_MAX = 5
const TIMEOUT_MS = 800
const SHIFT_MAX_MS = 200
const THROW_SHARE = 0.3
export const RESTARTS_MAX = 2

/** What befalls a life, decided outside: where in it the hand throws, if it does. */
interface Fate {
  readonly life: string
  readonly throwsAt: 'fate' | 'shift' | 'help' | 'never'
  readonly shiftMs: number
}

interface HandInput {
  readonly name: string
  /** Never throws, so it restarts because of others only. */
  readonly isSteady: boolean
}

type HandEvent = { type: 'dismiss' } | { type: 'helped' | 'tick'; life: string }

const remoteTo = (machine: string, spread: boolean): RemoteLogic<AnyActorLogic> => remote<AnyActorLogic>(machine, { spread }) as RemoteLogic<AnyActorLogic>

/** Belongs to one life of a hand, and tells it so twice; it would do so for ever, were it not stopped with that life. */
const helper = setup({
  types: { context: {} as { life: string; times: number }, input: {} as { life: string } },
  actions: { help: sendParent(({ context }) => ({ type: 'helped', life: context.life })), count: assign({ times: ({ context }) => context.times + 1 }) },
}).createMachine({
  context: ({ input }) => ({ ...input, times: 0 }),
  initial: 'helping',
  states: { helping: { after: { 40: [{ guard: ({ context }) => context.times < 2, target: 'helping', reenter: true, actions: ['count', 'help'] }, { target: 'idle' }] } }, idle: {} },
})

/** Is told its fate, works a shift with a helper, says that it has finished and waits to be dismissed. What is said to another life than this one it passes on as stale. */
const createHand = (outside: Outside, drawFate: (key: string, isSteady: boolean) => Fate) => {
  const throwAt = (throwsAt: Fate['throwsAt']) => ({ context }: { context: HandInput & Fate }) => {
    if (context.throwsAt === throwsAt) throw new Error(`${context.name} slipped at ${throwsAt}`)
  }
  const isStale = ({ context, event }: { context: Fate; event: HandEvent }): boolean => 'life' in event && event.life !== context.life
  return setup({
    types: { context: {} as HandInput & Fate, events: {} as HandEvent, input: {} as HandInput },
    actors: {
      helper: remoteTo('helper', true),
      fate: task({
        retry: { attempts: 60, baseMs: 40, factor: 1 },
        timeout: TIMEOUT_MS,
        run: ({ input, idempotencyKey, attempt }: TaskScope<HandInput>) => {
          outside.effect({ task: idempotencyKey, key: idempotencyKey, attempt })
          return outside.call(() => drawFate(idempotencyKey, input.isSteady))
        },
      }),
    },
    delays: { shift: ({ context }) => context.shiftMs },
    actions: { throwAtFate: throwAt('fate'), throwAtShift: throwAt('shift'), throwAtHelp: throwAt('help') },
  }).createMachine({
    context: ({ input }) => ({ ...input, life: '', throwsAt: 'never', shiftMs: 0 }),
    initial: 'waking',
    on: {
      dismiss: '.over',
      '*': { guard: isStale, actions: sendParent(({ context, event }) => ({ type: 'stale', what: `${context.name} has heard ${event.type} of another life` })) },
    },
    states: {
      waking: { invoke: { src: 'fate', input: ({ context: { name, isSteady } }) => ({ name, isSteady }), onDone: { target: 'working', actions: [assign(({ event }) => event.output), 'throwAtFate'] } } },
      working: {
        entry: enqueueActions(({ enqueue, context: { life } }) => {
          enqueue.spawnChild('helper', { id: 'helper', input: { life } })
          enqueue(raise({ type: 'tick', life }, { delay: SHIFT_MAX_MS }))
        }),
        after: { shift: { target: 'finished', actions: 'throwAtShift' } },
        on: { helped: { guard: ({ context, event }) => event.life === context.life, actions: 'throwAtHelp' } },
      },
      finished: { entry: sendParent(({ context }) => ({ type: 'finished', name: context.name })) },
      over: { type: 'final' },
    },
  })
}

interface Crew {
  readonly name: string
  /** Of each hand, whether it is steady. */
  readonly hands: readonly boolean[]
}

type BossContext = Crew & { readonly finished: readonly string[]; readonly failed: readonly string[]; readonly dismissed: number; readonly stale: readonly string[] }
type BossEvent = { type: 'finished'; name: string } | { type: 'stale'; what: string } | { type: 'xstate.error.actor.*'; actorId: string } | { type: 'xstate.done.actor.*' }

const also = (names: readonly string[], name: string): readonly string[] => (names.includes(name) ? names : [...names, name])

/** Spawns hands of both kinds, near and far, dismisses them when each has finished or failed, and is done when all are over. */
const boss = setup({
  types: { context: {} as BossContext, events: {} as BossEvent, input: {} as Crew, output: {} as Pick<BossContext, 'finished' | 'failed' | 'stale'> },
  actors: { nearHand: remoteTo('hand', false), farHand: remoteTo('hand', true), nearQuick: remoteTo('quick', false), farQuick: remoteTo('quick', true) },
  guards: {
    areReady: ({ context: { hands, finished, failed } }) => new Set([...finished, ...failed]).size >= hands.length,
    areOver: ({ context: { hands, failed, dismissed } }) => failed.length + dismissed >= hands.length,
  },
}).createMachine({
  context: ({ input }) => ({ ...input, finished: [], failed: [], dismissed: 0, stale: [] }),
  output: ({ context: { finished, failed, stale } }) => ({ finished, failed, stale }),
  entry: enqueueActions(({ enqueue, context: { name, hands } }) => {
    for (const [index, isSteady] of hands.entries()) {
      const kind = (['nearHand', 'farQuick', 'farHand', 'nearQuick'] as const)[index % 4] ?? 'nearHand'
      enqueue.spawnChild(kind, { id: `h${index}`, input: { name: `h${index}`, crew: name, isSteady } })
    }
  }),
  on: {
    finished: { actions: assign({ finished: ({ context, event }) => also(context.finished, event.name) }) },
    stale: { actions: assign({ stale: ({ context, event }) => [...context.stale, event.what] }) },
    'xstate.error.actor.*': { actions: assign({ failed: ({ context, event }) => also(context.failed, event.actorId) }) },
    'xstate.done.actor.*': { actions: assign({ dismissed: ({ context }) => context.dismissed + 1 }) },
  },
  initial: 'working',
  states: {
    working: { always: { guard: 'areReady', target: 'dismissing' } },
    dismissing: {
      entry: enqueueActions(({ enqueue, context: { hands, failed } }) => {
        for (const index of hands.keys()) if (!failed.includes(`h${index}`)) enqueue(sendTo(`h${index}`, { type: 'dismiss' }))
      }),
      always: { guard: 'areOver', target: 'over' },
    },
    over: { type: 'final' },
  },
})

const strategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const satisfies readonly Supervision['children'][]
const restarting = { strategy: 'restart', restartsMax: RESTARTS_MAX, windowMs: 3_600_000 } as const

export function createCrews({ outside, hire, size }: WorkloadParts): Workload {
  const outputs = new Map<string, { readonly crew: Crew; readonly output: unknown }>()
  const rounds = Math.max(1, Math.round(size / WEIGHT / CLIENTS))
  const fates = new Map<string, Fate>()
  const drawFate = (life: string, isSteady: boolean): Fate => {
    const { draw } = hire('fate')
    const fate = fates.get(life) ?? { life, throwsAt: !isSteady && draw.chance(THROW_SHARE) ? draw.of(['fate', 'shift', 'help'] as const) : 'never', shiftMs: draw.from(0, SHIFT_MAX_MS) }
    fates.set(life, fate)
    return fate
  }
  const hand = createHand(outside, drawFate)

  async function owner(client: Client): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await client.think(rounds)
      const name = client.nextOperation()
      const crew = { name, hands: Array.from({ length: client.draw.from(2, HANDS_MAX) }, () => client.draw.chance(0.3)) }
      const address = `${client.draw.of(strategies)}/${name}`
      outputs.set(address, { crew, output: await client.result(address, crew) })
    }
  }

  const check = (aftermath: Aftermath, report: Report): void => {
    for (const [address, { crew, output }] of outputs) {
      const { finished, failed, stale } = output as Pick<BossContext, 'finished' | 'failed' | 'stale'>
      for (const what of stale) report(`${address}: ${what}`)
      for (const [index, isSteady] of crew.hands.entries()) {
        const hasFailed = failed.includes(`h${index}`)
        if ((!hasFailed && !finished.includes(`h${index}`)) || (hasFailed && isSteady)) report(`${address} has ended with ${finished.join(' ')} finished and ${failed.join(' ')} failed`)
      }
    }
    checkLives(aftermath, RESTARTS_MAX, report)
  }

  return {
    machines: {
      ...Object.fromEntries(strategies.map(children => [children, { machine: boss, supervision: { children } }])),
      hand: { machine: hand, supervision: { ...restarting, backoff: { baseMs: 40, factor: 3, maxMs: 400, jitter: 0.5 } } },
      quick: { machine: hand, supervision: restarting },
      helper,
    },
    run: async () => void (await Promise.all(Array.from({ length: CLIENTS }, (_, index) => owner(hire(`c${index}-`))))),
    checks: { P14: check },
    mayLive: () => false,
  }
}
