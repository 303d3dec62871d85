import type { Registration, Supervision } from 'troupe'
import { crashPoints, createMemoryStore, createSeededRandom, createTestWorld } from 'troupe/testing'
import type { TestWorld } from 'troupe/testing'
import { isOutcome } from '../../../machines/outcome.ts'
import type { Outcome, PatternOutcome } from '../../../machines/outcome.ts'
import { drawer } from '../../simulation/plan.ts'
import { checkHistory } from '../faults/checkers.ts'
import { readHistory } from '../faults/history.ts'
import type { SentEvent } from '../faults/history.ts'
import { patternCases, workers } from './cases.ts'
import { Fortune } from './fortune.ts'

export interface TrialReport {
  readonly status: string
  readonly wrongs: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

/** Virtual time after the last mishap in which a run has to end: that of the patterns is up before. */
const END_MS = 120_000
const LOOK_MS = 10_000
const TRIES_MAX = 50
const MISHAPS_MAX = 5
const VISITS_MAX = 12
/** Virtual time from one mishap to the next. */
const PAUSE_MAX_MS = 1_000

type World = TestWorld<Record<string, Registration>>
type Draw = ReturnType<typeof drawer>

const strategies = [undefined, 'restart', 'restart', 'restart', 'resume', 'stop', 'escalate'] as const satisfies readonly Supervision['strategy'][]

/** One run of a pattern, with what a seed has in store for its members and its process. */
export class Trial {
  readonly #root: string
  readonly #draw: Draw
  readonly #fortune: Fortune
  readonly #task: unknown
  readonly #sent = new Map<string, SentEvent>()
  readonly #counts = new Map<string, number>()
  readonly #wrongs: string[] = []
  readonly #case: string

  constructor(name: string, seed: number) {
    this.#case = name
    this.#root = 'pattern/1'
    this.#draw = drawer(createSeededRandom(seed))
    this.#fortune = new Fortune(seed, this.#draw.of([0, 0.1, 0.3]))
    this.#task = patternCases[name]?.task ?? 'go'
  }

  async run(seed: number): Promise<TrialReport> {
    const store = createMemoryStore({ partitions: this.#draw.from(1, 5) })
    await using world = await createTestWorld({ machines: this.#machines(), store, seed })
    for (let left = this.#draw.from(0, MISHAPS_MAX); left > 0; left--) await this.#befall(world)
    await this.#start(world)
    const status = await this.#end(world)
    const { clock } = world
    const history = await readHistory(store, { endedAt: clock.now(), sent: this.#sent, effects: this.#fortune.effects })
    this.#wrongs.push(...checkHistory(history).map(({ property, what }) => `${property}: ${what}`))
    this.#count('letters', history.letters.length)
    this.#count('restarts', [...history.actors.values()].flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'restart')).length)
    for (const [fate, times] of this.#fortune.met) this.#count(fate, times)
    return { status, wrongs: this.#wrongs, counts: this.#counts }
  }

  #machines(): Record<string, Registration> {
    const { pattern, members = () => ({}) } = patternCases[this.#case] ?? {}
    if (!pattern) throw new Error(`there is no pattern '${this.#case}'`)
    const strategy = this.#draw.of(strategies)
    const supervision: Supervision = { ...(strategy && { strategy }), restartsMax: 2, ...(this.#draw.chance(0.5) && { backoff: { baseMs: 100, jitter: 0.5 } }) }
    const own = Object.entries({ ...workers(this.#fortune), ...members(this.#fortune) }).map(([name, machine]) => [name, { machine, supervision }] as const)
    const children = this.#draw.of(['one-for-one', 'one-for-all', 'rest-for-one'] as const)
    return { ...Object.fromEntries(own), pattern: { machine: pattern(this.#fortune), supervision: { children } } }
  }

  #count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }

  /** As a caller does it: again, until somebody says that it is so. */
  async #insist(world: World, ask: () => Promise<unknown>): Promise<void> {
    let isDone = false
    for (let tries = 0; !isDone; tries++) {
      if (tries === TRIES_MAX) throw new Error('nobody acknowledges what is asked again and again')
      const asked = ask().then(() => (isDone = true), () => undefined)
      await Promise.race([asked, world.advance(LOOK_MS / 10)])
      if (world.isDown) await world.restart()
    }
  }

  #start(world: World): Promise<void> {
    return this.#insist(world, () => world.runtime.at(this.#root).start({ task: this.#task } as never))
  }

  /** One event to some actor of the run, which means nothing to it: accepted is accepted. */
  async #nudge(world: World): Promise<void> {
    const { actors } = await world.runtime.actors({ run: this.#root })
    if (actors.length === 0) return
    const [to, op] = [this.#draw.of(actors).address, `n${this.#sent.size}`]
    const sent: SentEvent = { op, to, type: 'nudge', keyed: true, tries: 0, acked: false }
    this.#sent.set(op, sent)
    await this.#insist(world, () => {
      sent.tries++
      return world.runtime.at(to).send({ type: 'nudge', op } as never, { idempotencyKey: op }).then(
        () => (sent.acked = true),
        // It is over: nobody has accepted anything.
        (error: { readonly code?: string }) => error.code === 'actor/ended' || error.code === 'actor/failed' ? undefined : Promise.reject(error),
      )
    })
  }

  async #befall(world: World): Promise<void> {
    const kind = this.#draw.of(['crash', 'stop', 'stop', 'nudge'] as const)
    const after = this.#draw.from(0, PAUSE_MAX_MS)
    if (kind === 'crash') {
      const death = world.crash({ point: this.#draw.of(crashPoints), visit: this.#draw.from(1, VISITS_MAX) })
      world.runtime.at(this.#root).start({ task: this.#task } as never).catch(() => undefined)
      await Promise.race([death, world.advance(after)])
      if (!world.isDown) await world.crash()
      await world.restart()
      this.#count('crashes')
      return
    }
    await this.#start(world)
    await world.advance(after)
    if (kind === 'nudge') return this.#nudge(world)
    const victims = (await world.runtime.actors({ run: this.#root, status: 'active' })).actors.filter(({ address }) => address !== this.#root)
    if (victims.length === 0) return
    await world.runtime.at(this.#draw.of(victims).address).stop()
    this.#count('stopped')
  }

  /** Every run ends or says why it waits. */
  async #end(world: World): Promise<string> {
    const root = world.runtime.at(this.#root)
    let snapshot = await root.snapshot()
    for (let waited = 0; snapshot.status === 'active' && waited < END_MS; waited += LOOK_MS) {
      await world.advance(LOOK_MS)
      snapshot = await root.snapshot()
    }
    // Its members are told across partitions that it is over.
    await world.advance(LOOK_MS)
    const stuck = (await world.runtime.stuck()).actors.map(({ address }) => address)
    const { actors } = await world.runtime.actors({ run: this.#root })
    for (const { address, status, failure } of actors) {
      if (status === 'active' && !stuck.includes(address) && !(address === this.#root && snapshot.hasTag('held'))) this.#wrongs.push(`${address} is active still, and nothing says why`)
      if ((status === 'failed' || status === 'held') && failure === null) this.#wrongs.push(`${address} is ${status} without a reason`)
    }
    if (snapshot.status !== 'done') return snapshot.status
    const outcome: unknown = snapshot.output
    if (!isOutcome(outcome)) {
      this.#wrongs.push(`it has ended with ${JSON.stringify(outcome)}, which is no outcome`)
      return 'done'
    }
    this.#checkOutcome(outcome)
    return `outcome ${outcome.status}`
  }

  #checkOutcome(outcome: Outcome): void {
    const { members = [] } = outcome as Partial<PatternOutcome>
    // Who has handed over says why in its output.
    for (const { status, reason } of [outcome, ...members]) if (status !== 'done' && status !== 'handed-off' && !reason) this.#wrongs.push(`somebody is ${status}, and nothing says why`)
    const wrong = patternCases[this.#case]?.check?.(outcome, this.#fortune)
    if (wrong !== undefined) this.#wrongs.push(wrong)
  }
}
