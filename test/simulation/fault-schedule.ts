import type { Crowd } from './crowd.ts'
import { durationOf } from './plan.ts'
import type { NetworkFault, SimFault } from './plan.ts'
import type { Scheduler } from './scheduler.ts'
import type { Weather } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'
import type { StoreServer } from './store-server.ts'
import type { Tally } from './tally.ts'

/** A message that is delayed on purpose is so many milliseconds on its way, at the most: longer than a lease. */
const DELAY_MS = 4_000

export interface FaultScheduleParts {
  readonly scheduler: Scheduler
  readonly nodes: readonly SimNode[]
  readonly server: StoreServer
  readonly tally: Tally
  readonly calm: Weather
  readonly crowd: Crowd
}

type OfKind<K extends SimFault['kind']> = Extract<SimFault, { kind: K }>
type WeatherFault = Extract<SimFault, { kind: NetworkFault }> & { readonly kind: Exclude<NetworkFault, 'lose answers'> }

/** Lets the faults of a plan strike at their times, and mends everything in the end. */
export class FaultSchedule {
  readonly #parts: FaultScheduleParts
  /** Bad weather that is on, by node. */
  readonly #weather = new Map<number, Partial<Weather>[]>()
  #isHealed = false
  #offsetMax = 0

  constructor(parts: FaultScheduleParts) {
    this.#parts = parts
  }

  plan(faults: readonly SimFault[]): void {
    const { scheduler } = this.#parts
    for (const fault of faults) scheduler.at(fault.at, undefined, fault.kind, () => this.#strike(fault))
  }

  /** Everything is as it should be again, and all clocks show the time of the fastest. */
  heal(): void {
    this.#isHealed = true
    this.#noteOffsets()
    const { nodes, server, calm } = this.#parts
    if (server.isDown) this.#restartStore(0)
    nodes.forEach((node, index) => {
      node.line.weather = calm
      this.#parts.crowd.loseAnswers(index, 0)
      node.clock.set(this.#offsetMax)
      node.resume()
      node.boot()
    })
  }

  #strike(fault: SimFault): void {
    if (this.#isHealed) return
    const isInFlight = this.#inFlight(fault) > 0
    if (this.#begin(fault)) this.#parts.tally.struck(fault.kind, isInFlight)
  }

  #inFlight(fault: SimFault): number {
    const { nodes, crowd } = this.#parts
    return 'node' in fault && fault.kind !== 'lose answers' ? (nodes[fault.node]?.inFlight ?? 0) : crowd.waiting.size
  }

  /** False when there was nothing to strike. */
  #begin(fault: SimFault): boolean {
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault)
      case 'drain':
        return this.#node(fault)?.drain(() => this.#bootAfter(fault)) ?? false
      case 'pause':
        if (!this.#node(fault)?.pause()) return false
        this.#later(fault, () => this.#node(fault)?.resume())
        return true
      case 'clock':
        this.#node(fault)?.clock.step(fault.byMs)
        this.#noteOffsets()
        return true
      case 'store':
        return this.#crashStore(fault)
      case 'lose answers':
        this.#parts.crowd.loseAnswers(fault.node, fault.share)
        this.#later(fault, () => this.#parts.crowd.loseAnswers(fault.node, 0))
        return true
      default:
        this.#turnBad(fault as WeatherFault)
        return true
    }
  }

  #node({ node }: { readonly node: number }): SimNode | undefined {
    return this.#parts.nodes[node]
  }

  /** At the end of a fault, unless all was mended before. */
  #later(fault: SimFault, run: () => void): void {
    this.#parts.scheduler.after(durationOf(fault), undefined, `${fault.kind} is over`, () => this.#isHealed || run())
  }

  #kill(fault: OfKind<'kill'>): boolean {
    if (!this.#node(fault)?.kill()) return false
    this.#bootAfter(fault)
    return true
  }

  /** Also when all was mended meanwhile: a process that took long to end has missed that. */
  #bootAfter(fault: OfKind<'kill' | 'drain'>): void {
    this.#parts.scheduler.after(this.#isHealed ? 0 : fault.downMs, undefined, `${fault.kind} is over`, () => this.#node(fault)?.boot())
  }

  #crashStore(fault: OfKind<'store'>): boolean {
    const { server } = this.#parts
    if (server.isDown) return false
    server.crash()
    this.#later(fault, () => this.#restartStore(fault.loseMs))
    return true
  }

  #restartStore(loseMs: number): void {
    const { server, tally, crowd } = this.#parts
    void server.restart(loseMs).then(({ kept, lost }) => {
      tally.count('writes lost', lost)
      if (lost > 0) crowd.forgetLost(kept)
    })
  }

  #turnBad(fault: WeatherFault): void {
    const bad = badWeather(fault)
    const all = this.#weather.get(fault.node) ?? []
    this.#weather.set(fault.node, all)
    const apply = (): void => {
      const node = this.#node(fault)
      if (node) node.line.weather = Object.assign({}, this.#parts.calm, ...all) as Weather
    }
    all.push(bad)
    apply()
    this.#later(fault, () => {
      all.splice(all.indexOf(bad), 1)
      apply()
    })
  }

  #noteOffsets(): void {
    for (const { clock } of this.#parts.nodes) this.#offsetMax = Math.max(this.#offsetMax, clock.offsetMs)
  }
}

function badWeather({ kind, share }: WeatherFault): Partial<Weather> {
  switch (kind) {
    case 'cut':
      return { isCut: true }
    case 'delay':
      return { delayMs: (DELAY_MS / 2) * share }
    case 'reorder':
      return { isUnordered: true, delayMs: 40 * share }
    case 'lose requests':
      return { lostRequests: share }
    case 'lose replies':
      return { lostReplies: share }
    case 'double':
      return { doubled: share }
    case 'lose hints':
      return { lostHints: share }
  }
}
