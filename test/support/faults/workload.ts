import type { Runtime } from 'troupe'
import type { Machines } from './machines.ts'
import type { SentEvent } from './history.ts'

/** What a client needs: a runtime that may die under it. */
export interface ClientPorts {
  /** Runs until it has an answer; a try that died with its process is made again. `repeated` is true from the second try on. */
  insist<T>(what: string, ask: (runtime: Runtime<Machines>, repeated: boolean) => Promise<T>): Promise<T>
  /** Lets a waiting task go on. */
  open(gate: string): void
  readonly sent: Map<string, SentEvent>
  /** Watchers that have lost something say so. */
  complain(what: string): void
}

type Name = 'account' | 'fragile' | 'clockwork' | 'crew' | 'tasker'

export const accounts = ['a', 'b', 'c', 'd', 'e'] as const
const OPENING = 1_000

/** One client of the workload: does one thing after the other, each until it is acknowledged. */
class Client {
  readonly #ports: ClientPorts
  readonly #name: string
  #ops = 0

  constructor(ports: ClientPorts, name: string) {
    this.#ports = ports
    this.#name = name
  }

  start(machine: Name, key: string, input?: unknown): Promise<void> {
    return this.#ports.insist(`start ${machine}/${key}`, runtime => runtime.actor(machine, key).start(input as never))
  }

  /** Sends, by `ask` where the test wants an answer. Without a key a repetition may take effect again. */
  async send(machine: Name, key: string, event: { readonly type: string; readonly [key: string]: unknown }, { keyed = true, asks = false } = {}): Promise<void> {
    const op = `${this.#name}${++this.#ops}`
    const { type, cents } = event as { type: string; cents?: number }
    const sent: SentEvent = { op, to: `${machine}/${key}`, type, keyed, tries: 0, acked: false, ...(cents !== undefined && { cents }) }
    this.#ports.sent.set(op, sent)
    const options = keyed ? { idempotencyKey: op } : {}
    await this.#ports.insist(`${type} ${op}`, async runtime => {
      sent.tries++
      const actor = runtime.actor(machine, key)
      await (asks ? actor.ask({ ...event, op } as never, options) : actor.send({ ...event, op } as never, options))
    })
    sent.acked = true
  }

  insist<T>(what: string, ask: (runtime: Runtime<Machines>, repeated: boolean) => Promise<T>): Promise<T> {
    return this.#ports.insist(`${this.#name}: ${what}`, ask)
  }

  open(gate: string): void {
    this.#ports.open(gate)
  }

  complain(what: string): void {
    this.#ports.complain(what)
  }
}

/** Moves money: by message, with keys. */
async function teller(client: Client, own: number): Promise<void> {
  const key = accounts[own] as string
  for (let round = 1; round <= 3; round++) {
    const to = accounts[(own + round) % accounts.length] as string
    await client.send('account', key, { type: 'TRANSFER', to, cents: 7 * round + own }, { asks: round === 2 })
  }
  await client.send('account', key, { type: 'NOTE' }, { keyed: false })
  const { reply } = await client.insist('balance', runtime => runtime.actor('account', key).ask({ type: 'BALANCE' }, { until: 'reply' }))
  if (typeof reply !== 'number') client.complain(`account/${key} has answered ${String(reply)}`)
}

/** Follows an account through every crash, by the sequence it has seen last. */
async function watcher(client: Client, key: string, steps: number): Promise<void> {
  let seen = 0
  let reader = 0
  await client.insist('watch', async runtime => {
    const own = ++reader
    for await (const step of runtime.actor('account', key).watch({ from: seen })) {
      // What a dead process still has in its hands is nobody's any more.
      if (own !== reader) return
      if (!('seq' in step)) continue
      if (step.seq !== seen + 1) client.complain(`the watcher of account/${key} saw ${step.seq} after ${seen}`)
      seen = step.seq
      if (seen >= steps) return
    }
  })
}

async function crewLeader(client: Client): Promise<void> {
  await client.start('crew', 'c', { address: 'crew/c', tallies: 'account/b' })
  await client.send('crew', 'c', { type: 'GO' })
  const over = await client.insist('result', runtime => runtime.actor('crew', 'c').result())
  const text = JSON.stringify(over)
  if (text !== '["invoked","saboteur","spawned"]') client.complain(`the crew ended with ${text}`)
}

async function clockmaker(client: Client): Promise<void> {
  await client.start('clockwork', 't')
  const arm = (n: number, id: string, delay: number) => client.send('clockwork', 't', { type: 'ARM', n, id, delay })
  await arm(1, 'first', 300)
  await arm(2, 'second', 400)
  await client.send('clockwork', 't', { type: 'DISARM', id: 'second' })
  // The same id again is another generation.
  await arm(3, 'second', 900)
  await arm(4, 'doomed', 60_000)
  await client.send('clockwork', 't', { type: 'DISARM', id: 'doomed' })
  await client.insist('ticks', runtime => runtime.actor('clockwork', 't').ask({ type: 'LOOK' } as never, { until: ({ context, value }) => context.fired.includes(1) && context.fired.includes(3) && value === 'rung' }))
}

async function taskmaster(client: Client): Promise<void> {
  await client.start('tasker', 'k')
  await client.insist('gated', async runtime => until(runtime, 'tasker', 'k', 'gated'))
  // The event and the task's result come in one batch, the event first: the result is of no use any more.
  const left = client.send('tasker', 'k', { type: 'LEAVE' })
  client.open('gated')
  await left
}

/** Waits for a state by watching, without sending anything. */
async function until(runtime: Runtime<Machines>, machine: Name, key: string, value: string): Promise<void> {
  const actor = runtime.actor(machine, key)
  for await (const step of actor.watch({ from: 0 })) if ('snapshot' in step && step.snapshot.value === value) return
}

/** Poisons an actor, then replays some of the dead letters and discards the others. */
async function mender(client: Client): Promise<void> {
  const [machine, key] = ['fragile', 'f'] as const
  await client.start(machine, key)
  await client.send(machine, key, { type: 'WORK' })
  await client.send(machine, key, { type: 'POISON' })
  await client.send('account', 'c', { type: 'NOTIFY', to: 'fragile/f', poison: true })
  await client.send(machine, key, { type: 'POISON' })
  const letters = await client.insist('letters', async runtime => {
    for (;;) {
      const page = await runtime.deadLetters.list({ address: 'fragile/f' })
      if (page.length >= 3) return page
      await runtime.actor('fragile', 'f').ask({ type: 'LOOK' } as never)
    }
  })
  await client.send(machine, key, { type: 'MEND' })
  for (const [index, { id }] of letters.entries()) {
    await client.insist(`resolve letter ${index}`, async (runtime, repeated) => {
      try {
        await (index === 1 ? runtime.deadLetters.discard(id, 'of no use') : runtime.deadLetters.replay(id))
      } catch (error) {
        // A try before this one may have done it.
        if (!(repeated && (error as { code?: string }).code === 'dead-letter/unknown')) throw error
      }
    })
  }
}

/** Pauses an actor while events come, resumes it, and stops another one with events still waiting. */
async function pauser(client: Client): Promise<void> {
  for (const key of ['p', 'q']) {
    await client.start('fragile', key)
    await client.insist(`pause ${key}`, runtime => runtime.actor('fragile', key).pause())
    await client.send('fragile', key, { type: 'WORK' })
    await client.send('account', 'd', { type: 'NOTIFY', to: `fragile/${key}` })
    await client.send('fragile', key, { type: 'WORK' }, { keyed: false })
  }
  await client.insist('resume', runtime => runtime.actor('fragile', 'p').resume())
  await client.send('fragile', 'p', { type: 'WORK' })
  await client.insist('stop', runtime => runtime.actor('fragile', 'q').stop())
  await client.send('account', 'd', { type: 'NOTIFY', to: 'fragile/q' })
}

/** All clients at once, over machines that use everything there is. */
export async function runWorkload(ports: ClientPorts): Promise<void> {
  const opener = new Client(ports, 'o')
  await Promise.all(accounts.map(key => opener.start('account', key, { cents: OPENING })))
  const tellers = accounts.map((_, index) => teller(new Client(ports, accounts[index] as string), index))
  await Promise.all([
    ...tellers,
    watcher(new Client(ports, 'w'), 'a', 8),
    crewLeader(new Client(ports, 'l')),
    clockmaker(new Client(ports, 't')),
    taskmaster(new Client(ports, 'k')),
    mender(new Client(ports, 'm')),
    pauser(new Client(ports, 'p')),
  ])
}
