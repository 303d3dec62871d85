import type { AnyActorLogic, AnyStateNode } from 'xstate'
import type { ActorId } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import type { JournalEntry } from '../../core/journal.ts'
import { conditionsOf } from '../actor-query.ts'
import type { ReadStep } from '../reader.ts'
import { statesOf } from '../../core/states.ts'
import { unknownMachine } from '../status.ts'
import { takeTurns } from '../turns.ts'
import { unescapePart } from '../xstate/internals.ts'
import { isMachine } from '../xstate/logic.ts'
import type { ClientParts } from './parts.ts'
import { unlessGone } from './scan.ts'
import { Stays, leavesOf } from './stays.ts'

const SAMPLE = 200
/** Steps of one actor that count, the first ones. */
const STEPS_MAX = 200

type Fleet = ShownOutput<'fleet'>

interface StateCount {
  visits: number
  errors: number
  readonly dwellMs: number[]
}

interface EdgeCount {
  readonly source: string
  readonly target: string
  readonly event: string
  count: number
  errors: number
}

export function fleetHandlers({ env, reader }: ClientParts) {
  return {
    fleet: async ({ name, sample = SAMPLE }) => {
      const definition = env.definitions.get(name)
      if (!definition) throw unknownMachine(name, env.definitions)
      const conditions = conditionsOf({ machine: name })
      const { total, groups } = await reader.store.tally(conditions)
      const { records } = await reader.store.list({ ...conditions, order: 'newest', limit: sample })
      const fares = new Fares(definition.logic)
      const turn = takeTurns(env.clock)
      for (const { id } of records) await unlessGone(fares.read(reader, id, turn))
      const instances = (path: string): number => groups.reduce((sum, { states, count }) => sum + (states.includes(path) ? count : 0), 0)
      return { machine: name, instances: total, sampled: records.length, ...fares.view(new Set(groups.flatMap(({ states }) => states)), instances) }
    },
  } satisfies Partial<Handlers>
}

/** How actors have fared, counted over their histories. */
class Fares {
  readonly #root: AnyStateNode | undefined
  readonly #states = new Map<string, StateCount>()
  readonly #edges = new Map<string, EdgeCount>()

  constructor(logic: AnyActorLogic) {
    this.#root = isMachine(logic) ? logic.root : undefined
  }

  async read(reader: ClientParts['reader'], id: ActorId, turn: () => Promise<void> | undefined): Promise<void> {
    const stays = new Stays()
    let before: readonly string[] = []
    let steps = 0
    for await (const step of reader.follow(id, await reader.beginning(id), STEPS_MAX).read()) {
      before = this.#count(step, before, stays)
      await turn()
      if (++steps >= STEPS_MAX) return
    }
  }

  view(present: ReadonlySet<string>, instances: (path: string) => number): Pick<Fleet, 'states' | 'edges'> {
    const paths = new Set([...present, ...this.#states.keys()])
    const states = [...paths].toSorted().map(path => {
      const { visits, errors, dwellMs } = this.#state(path)
      const sorted = dwellMs.toSorted((a, b) => a - b)
      return { path, instances: instances(path), visits, errors, dwellP50Ms: quantile(sorted, 0.5), dwellP95Ms: quantile(sorted, 0.95) }
    })
    return { states, edges: [...this.#edges.values()] }
  }

  #count({ entry, document }: ReadStep, before: readonly string[], stays: Stays): readonly string[] {
    const after = statesOf(document.snapshot.value)
    const { left, entered } = stays.move(after, entry)
    for (const path of entered) this.#state(path).visits++
    for (const { path, at, until } of left) this.#state(path).dwellMs.push(until - at)
    if (hasFailed(entry)) for (const path of before) this.#state(path).errors++
    const event = eventOf(entry)
    if (event === undefined || before.length === 0) return after
    if (entry.kind === 'failed' || entry.kind === 'restart') this.#countFailure(leavesOf(before), event)
    else this.#countEdges(leavesOf(before), leavesOf(after), event, entry.delta !== undefined)
    return after
  }

  /** Each state that a step has begun was come to from the state nearest to it; a step that has changed no state came back to where it was. */
  #countEdges(before: readonly string[], after: readonly string[], event: string, hasActed: boolean): void {
    const gone = before.filter(path => !after.includes(path))
    const come = after.filter(path => !before.includes(path))
    for (const target of come) this.#edge(nearest(gone.length > 0 ? gone : before, target), target, event).count++
    if (come.length === 0 && hasActed) for (const path of before) this.#edge(path, path, event).count++
  }

  /** It never got to where the first transition for the event leads. */
  #countFailure(leaves: readonly string[], event: string): void {
    for (const leaf of leaves) {
      const target = this.#targetOf(leaf, event)
      if (target === undefined) continue
      const edge = this.#edge(leaf, target, event)
      edge.count++
      edge.errors++
    }
  }

  #targetOf(leaf: string, event: string): string | undefined {
    const path = leaf.split('.')
    for (let depth = path.length; depth >= 0; depth--) {
      const node = path.slice(0, depth).reduce<AnyStateNode | undefined>((parent, key) => parent?.states[key], this.#root)
      const [transition] = node?.transitions.get(event) ?? []
      if (transition) return transition.target?.[0]?.path.join('.') ?? leaf
    }
    return undefined
  }

  #state(path: string): StateCount {
    const count = this.#states.get(path) ?? { visits: 0, errors: 0, dwellMs: [] }
    this.#states.set(path, count)
    return count
  }

  #edge(source: string, target: string, event: string): EdgeCount {
    const key = JSON.stringify([source, target, event])
    const count = this.#edges.get(key) ?? { source, target, event, count: 0, errors: 0 }
    this.#edges.set(key, count)
    return count
  }
}

/** Whether the actor threw, or a task of it has failed for good. */
const hasFailed = ({ kind, event }: JournalEntry): boolean => kind === 'failed' || kind === 'restart' || event?.type === 'task.failed'

/** What a task and a durable child tell, as the machine calls it. */
const MACHINE_EVENTS: Readonly<Record<string, string>> = { 'task.done': 'done', 'task.failed': 'error', 'child.done': 'done', 'child.error': 'error', 'child.snapshot': 'snapshot' }

/** The event of a step as the machine's transitions name it; undefined for what is none of theirs: a pause, an attempt. */
function eventOf({ kind, event, path = '' }: JournalEntry): string | undefined {
  if (!event) return undefined
  const [, id, inside] = path.split('/')
  if (kind === 'task' || kind === 'child') return MACHINE_EVENTS[event.type] !== undefined && inside === undefined ? `xstate.${MACHINE_EVENTS[event.type]}${event.type === 'child.snapshot' ? '' : '.actor'}.${unescapePart(id ?? '')}` : undefined
  return path === '' ? event.type : undefined
}

/** Of these paths the one that shares most with another. */
function nearest(paths: readonly string[], to: string): string {
  const shared = (path: string): number => {
    const [a, b] = [path.split('.'), to.split('.')]
    const apart = a.findIndex((key, index) => key !== b[index])
    return apart < 0 ? a.length : apart
  }
  return paths.reduce((best, path) => (shared(path) > shared(best) ? path : best))
}

const quantile = (sorted: readonly number[], share: number): number | null => (sorted.length === 0 ? null : (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null))
