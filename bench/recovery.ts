import { setTimeout as sleep } from 'node:timers/promises'
import { assign, setup } from 'xstate'
import { createRuntime } from 'troupe'
import { median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'
import { openObservedStore } from './observed-store.ts'
import { openOrders, order, orderEvent } from './order-machine.ts'


/** Waits for an instant, and acts. */
const errand = setup({
  types: { context: {} as { readonly dueAt: number }, events: {} as { readonly type: 'WAIT'; readonly until: number } },
  delays: { untilDue: ({ context }) => Math.max(0, context.dueAt - Date.now()) },
}).createMachine({
  id: 'errand',
  context: { dueAt: 0 },
  initial: 'idle',
  states: {
    idle: { on: { WAIT: { target: 'waiting', actions: assign({ dueAt: ({ event }) => event.until }) } } },
    waiting: { after: { untilDue: 'acted' } },
    acted: {},
  },
})

/** Leaves actors behind, each with a timer. Gives back when they are due. */
async function set({ actors, file }: { readonly actors: number; readonly file: string }): Promise<number> {
  const runtime = await createRuntime({ machines: { errand }, store: `sqlite:${file}` })
  const handles = Array.from({ length: actors }, (_, index) => runtime.actor(errand, `errand-${index}`))
  await Promise.all(handles.map(handle => handle.start()))
  // Long enough that none acts before the kill.
  const until = Date.now() + 2000 + actors / 5
  await Promise.all(handles.map(handle => handle.send({ type: 'WAIT', until })))
  if (Date.now() >= until) throw new Error('this machine is too slow to set all timers before the first is due')
  return until
}

/** Starts again on what was left, and gives the times since the process began. */
async function recover({ actors, file }: { readonly actors: number; readonly file: string }) {
  let acted = 0
  let firstMs = Number.NaN
  let finish: () => void = () => undefined
  const finished = new Promise<void>(resolve => (finish = resolve))
  const store = await openObservedStore({ path: file }, ({ actors: writes }) => {
    for (const { record } of writes) if (record.states.includes('acted')) acted++
    if (acted > 0 && Number.isNaN(firstMs)) firstMs = performance.now()
    if (acted >= actors) finish()
  })
  const bootMs = performance.now()
  const runtime = await createRuntime({ machines: { errand }, store })
  await finished
  const allMs = performance.now()
  const { timersFired } = runtime.health().counters
  if (timersFired !== actors) throw new Error(`${timersFired} timers fired instead of ${actors}`)
  return { bootMs, firstMs, allMs }
}

interface Histories {
  readonly long: number
  readonly short: number
  readonly repetitions: number
  readonly file: string
}

/** Restores of two actors in turn, each from the store, because only one may be in memory. Times in milliseconds. */
async function restore({ long, short, repetitions, file }: Histories) {
  const runtime = await openOrders(file, 'NORMAL', { liveActorsMax: 1 })
  const grown = async (key: string, events: number) => {
    const handle = runtime.actor(order, key)
    await handle.start({ id: key })
    // One by one, so that each has a journal row of its own, as in a long life.
    for (let round = 0; round < events; round++) await handle.send(orderEvent(round))
    const [asks, reads]: [number[], number[]] = [[], []]
    return {
      asks,
      reads,
      /** Restores the actor, and steps it: its checkpoint ends at another point of its base each time. */
      async ask(round: number) {
        const started = performance.now()
        await handle.ask(orderEvent(round))
        asks.push(performance.now() - started)
      },
      /** Rebuilds its state from the store, without stepping it. */
      async read() {
        const started = performance.now()
        await handle.snapshot()
        reads.push(performance.now() - started)
      },
    }
  }
  const old = await grown('old', long)
  const young = await grown('young', short)
  const { evictions } = runtime.health().counters
  for (let round = 0; round < repetitions; round++) {
    await old.ask(long + round)
    await young.read()
    await young.ask(short + round)
    await old.read()
  }
  const restores = runtime.health().counters.evictions - evictions
  if (restores < 2 * repetitions - 2) throw new Error(`only ${restores} of ${2 * repetitions} actors came from the store`)
  await runtime.close()
  return { ask: { old: median(old.asks), young: median(young.asks) }, read: { old: median(old.reads), young: median(young.reads) } }
}

export const bench: Bench = {
  name: 'recovery',
  question: 'How soon is everything going again after kill -9, and does a long history slow it down?',
  sides: { set, recover, restore },
  async run(lab) {
    const actors = lab.quick ? 1000 : 10_000
    const recoveries = await rounds(lab.quick ? 1 : 3, async round => {
      lab.say(`kill and restart, round ${round}`)
      const file = lab.file('errands.db')
      const dueAt = await lab.measureAndKill(set, { actors, file })
      await sleep(Math.max(0, dueAt - Date.now()) + 50)
      return lab.measure(recover, { actors, file })
    })
    const histories = await rounds(lab.quick ? 1 : 3, round => {
      lab.say(`long and short histories, round ${round}`)
      return lab.measure(restore, { long: lab.quick ? 5000 : 50_000, short: 100, repetitions: lab.quick ? 300 : 2000, file: lab.file('histories.db') })
    })
    return [
      { figure: 'firstMs', value: median(recoveries.map(({ firstMs }) => firstMs)), unit: 'ms', atMost: 1000 },
      { figure: 'allMs', value: median(recoveries.map(({ allMs }) => allMs)), unit: 'ms', atMost: 10_000 },
      { figure: 'bootMs', value: median(recoveries.map(({ bootMs }) => bootMs)), unit: 'ms' },
      { figure: 'historyRatio', value: median(histories.map(({ read }) => read.old / read.young)), unit: 'x', atMost: 1.3 },
      { figure: 'historyRatioOfAsk', value: median(histories.map(({ ask }) => ask.old / ask.young)), unit: 'x' },
      { figure: 'coldReadMs', value: median(histories.map(({ read }) => read.old)), unit: 'ms' },
      { figure: 'coldAskMs', value: median(histories.map(({ ask }) => ask.old)), unit: 'ms' },
    ]
  },
}

