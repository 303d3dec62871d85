import { createSeededRandom } from '../../../src/testing/seeded-random.ts'

/** One thing that a client does; done again it is the same thing. */
export type Step =
  | { readonly do: 'start'; readonly op: string; readonly machine: Name; readonly key: string; readonly input?: unknown }
  | { readonly do: 'send'; readonly op: string; readonly machine: Name; readonly key: string; readonly event: { readonly type: string; readonly [key: string]: unknown }; readonly asks: boolean }
  /** Replays what of an actor lies among the dead letters. */
  | { readonly do: 'replay'; readonly op: string; readonly address: string }

type Name = 'account' | 'fragile' | 'clockwork' | 'tasker' | 'crew'

/** Every actor is born before the lanes begin. A lane does one thing after the other; all lanes go at once. */
export interface Plan {
  readonly births: readonly Step[]
  readonly lanes: readonly (readonly Step[])[]
}

const ACCOUNTS = 12
const TRANSFERS = 14
const OPENING_CENTS = 1_000
const OTHERS = 3

/**
 * The same plan for the same seed: a bank whose transfers cross partitions, timers, tasks, children, and poison that becomes
 * dead letters. Under another name it tells the same actors other things.
 */
export function planPower(seed: number, name = 'plan'): Plan {
  const random = createSeededRandom(seed)
  const below = (n: number): number => Math.floor(random.next() * n)
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)
  const born = (machine: Name, n: number, input?: unknown): Step => ({ do: 'start', op: `birth of ${machine}/${n}`, machine, key: `${n}`, ...(input !== undefined && { input }) })
  const send = (machine: Name, key: number, nth: number, event: { readonly type: string; readonly [key: string]: unknown }): Step => {
    const op = `${name} ${machine}/${key} ${nth}`
    return { do: 'send', op, machine, key: `${key}`, event: { ...event, op }, asks: nth % 5 === 2 }
  }
  const tellers = numbers(ACCOUNTS).map(own =>
    numbers(TRANSFERS).map(nth => {
      if (nth % 7 === 3) return send('account', own, nth, { type: 'NOTIFY', to: `fragile/${below(OTHERS)}`, poison: below(3) === 0 })
      return send('account', own, nth, { type: 'TRANSFER', to: `${(own + 1 + below(ACCOUNTS - 1)) % ACCOUNTS}`, cents: 1 + below(50) })
    }),
  )
  const menders = numbers(OTHERS).map(key => {
    const events = ['WORK', 'POISON', 'WORK', 'POISON', 'MEND', 'WORK'].map((type, nth) => send('fragile', key, nth, { type }))
    return [...events, { do: 'replay', op: `replay of fragile/${key}`, address: `fragile/${key}` } as const]
  })
  const clockmakers = numbers(OTHERS).map(key => {
    const arm = (n: number, id: string, delay: number) => ({ type: 'ARM', n, id, delay })
    const events = [arm(1, 'first', 80 + below(80)), arm(2, 'second', 400), { type: 'DISARM', id: 'second' }, arm(3, 'second', 100 + below(200)), arm(4, 'doomed', 1_000), { type: 'DISARM', id: 'doomed' }]
    return events.map((event, nth) => send('clockwork', key, nth, event))
  })
  const crews = numbers(OTHERS).map(key => [send('crew', key, 0, { type: 'GO' })])
  return {
    births: [
      ...numbers(ACCOUNTS).map(n => born('account', n, { cents: OPENING_CENTS })),
      ...(['fragile', 'clockwork', 'tasker'] as const).flatMap(machine => numbers(OTHERS).map(n => born(machine, n))),
      ...numbers(OTHERS).map(n => born('crew', n, { address: `crew/${n}`, tallies: `account/${n}` })),
    ],
    lanes: [...tellers, ...menders, ...clockmakers, ...crews],
  }
}
