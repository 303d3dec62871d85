import { createRuntime } from 'troupe'
import { setup } from 'xstate'
import { median } from './harness.ts'
import type { Bench } from './harness.ts'

const ROUNDS = 7
/** Starts that wait for their commit at once. */
const AT_ONCE = 2_000

const ticket = setup({ types: { events: {} as { readonly type: 'TAKE' } } }).createMachine({
  id: 'ticket',
  initial: 'open',
  states: { open: { on: { TAKE: 'taken' }, tags: 'waiting' }, taken: {} },
})

interface Load {
  readonly actors: number
  readonly file: string
}

/** Questions of an inspector, each asked several times: milliseconds, by its name. */
async function ask({ actors, file }: Load): Promise<Readonly<Record<string, number>>> {
  await using runtime = await createRuntime({ machines: { ticket }, store: `sqlite:${file}?synchronous=NORMAL` })
  for (let from = 0; from < actors; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, actors - from) }, (_, index) => runtime.actor(ticket, `t-${from + index}`).start()))
  }
  const client = runtime.client()
  const questions = {
    tallyMs: () => client.tallyActors({}),
    pageMs: () => client.listActors({ order: 'newest' }),
    nothingFoundMs: () => client.listActors({ text: 'no such key' }),
    nothingFoundNewestMs: () => client.listActors({ text: 'no such key', order: 'newest' }),
  }
  const times: Record<string, number> = {}
  for (const [name, question] of Object.entries(questions)) {
    const taken: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now()
      await question()
      taken.push(performance.now() - began)
    }
    times[name] = median(taken)
  }
  return times
}

export const bench: Bench = {
  name: 'lists',
  question: 'How long do lists and tallies of 100,000 actors take?',
  sides: { ask },
  async run(lab) {
    const actors = lab.quick ? 5_000 : 100_000
    lab.say(`lists: ${actors} actors`)
    const times = await lab.measure(ask, { actors, file: lab.file('lists.db') })
    // A search that finds nothing has looked at every actor: told, not judged.
    const most: Readonly<Record<string, number>> = { tallyMs: 200, pageMs: 50 }
    return Object.entries(times).map(([figure, value]) => ({ figure, value, unit: 'ms', ...(most[figure] !== undefined && { atMost: most[figure] }) }))
  },
}
