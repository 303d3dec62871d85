import { addressOf, parseAddress, runOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import type { JournalEntry } from '../../core/journal.ts'
import { liveStatuses } from '../../core/store.ts'
import type { ReadStep } from '../reader.ts'
import { statesOf } from '../../core/states.ts'
import { unknownActor } from '../status.ts'
import { takeTurns } from '../turns.ts'
import type { ClientParts } from './parts.ts'
import { unlessGone } from './scan.ts'
import { Stays } from './stays.ts'
import { documentTree } from './views.ts'

/** Actors of a run whose steps are read, the first ones. */
const ACTORS_MAX = 500
const STEPS_MAX = 1_000
/** Steps of an actor that are read at once. */
const PAGE = 50

type Timeline = ShownOutput<'timeline'>
type Span = Timeline['spans'][number]
type OpenSpan = Pick<Span, 'name' | 'from' | 'attempts'> & { readonly seq: number }

export function timelineHandlers(parts: ClientParts) {
  const { runtime, reader, env } = parts
  return {
    timeline: async ({ address, limit = STEPS_MAX }) => {
      const run = addressOf(runOf(parseAddress(address)))
      const { actors, cursor } = await runtime.actors({ run, limit: ACTORS_MAX })
      if (actors.length === 0) throw unknownActor(parseAddress(run))
      const tracks = actors.map(actor => new Track(parts, parseAddress(actor.address)))
      const messages: Timeline['messages'][number][] = []
      const turn = takeTurns(env.clock)
      for (const track of tracks) {
        await unlessGone(track.advance(reader))
        await turn()
      }
      let steps = 0
      for (let track = earliest(tracks); track?.next && steps < limit; track = earliest(tracks), steps++) {
        messages.push(...messagesOf(track.id, track.next.entry, run))
        track.take(track.next)
        await unlessGone(track.advance(reader))
        await turn()
      }
      const isWhole = cursor === undefined && tracks.every(({ next }) => next === undefined)
      await Promise.all(tracks.map(track => track.close()))
      return { actors, messages, spans: tracks.flatMap(track => track.end()), isWhole }
    },
  } satisfies Partial<Handlers>
}

/** The track whose next step is the oldest. */
const earliest = (tracks: readonly Track[]): Track | undefined => tracks.reduce<Track | undefined>((first, track) => (track.next && (!first?.next || track.next.entry.at < first.next.entry.at) ? track : first), undefined)

/** One actor of a run: its steps in their order, and what has lasted from one to another. */
class Track {
  readonly id: ActorId
  next: ReadStep | undefined
  readonly #parts: ClientParts
  readonly #stays = new Stays()
  readonly #tasks = new Map<string, OpenSpan>()
  readonly #spans: Span[] = []
  #steps: AsyncGenerator<ReadStep> | undefined

  constructor(parts: ClientParts, id: ActorId) {
    this.#parts = parts
    this.id = id
  }

  async advance(reader: ClientParts['reader']): Promise<void> {
    this.next = undefined
    this.#steps ??= reader.follow(this.id, await reader.beginning(this.id), PAGE).read()
    const { value } = await this.#steps.next()
    this.next = value as ReadStep | undefined
  }

  async close(): Promise<void> {
    await this.#steps?.return(undefined)
  }

  take(step: ReadStep): void {
    const { entry, document } = step
    const isOver = !liveStatuses.includes(document.status)
    const left = [...this.#stays.move(statesOf(document.snapshot.value), entry).left, ...(isOver ? this.#stays.move([], entry).left : [])]
    const failed = document.status === 'failed' || document.snapshot.status === 'error'
    for (const { path, at, seq, until } of left) this.#spans.push({ address: addressOf(this.id), kind: 'state', name: path, from: at, to: until, outcome: failed ? 'failed' : 'done', attempts: 1, seq })
    this.#takeTasks(step)
  }

  #takeTasks({ entry, document }: ReadStep): void {
    for (const [id, { path, attempt }] of Object.entries(document.tasks)) {
      const open = this.#tasks.get(id)
      if (open?.attempts !== attempt) this.#tasks.set(id, open ? { ...open, attempts: attempt } : { name: this.#nameOf(document, path), from: entry.at, attempts: attempt, seq: entry.seq })
    }
    for (const [id, open] of this.#tasks) {
      if (Object.hasOwn(document.tasks, id)) continue
      this.#tasks.delete(id)
      this.#spans.push({ ...open, address: addressOf(this.id), kind: 'task', to: entry.at, outcome: entry.error ? 'failed' : 'done' })
    }
  }

  #nameOf(document: ReadStep['document'], path: string): string {
    return documentTree(this.#parts, this.id, document).find(part => part.path === path)?.src ?? path
  }

  /** All its spans: those that last, or are cut off by the limit, are open. */
  end(): readonly Span[] {
    const address = addressOf(this.id)
    const states = [...this.#stays.open].map(([name, { at, seq }]): Span => ({ address, kind: 'state', name, from: at, to: null, outcome: 'open', attempts: 1, seq }))
    const tasks = [...this.#tasks.values()].map((open): Span => ({ ...open, address, kind: 'task', to: null, outcome: 'open' }))
    return [...this.#spans, ...states, ...tasks]
  }
}

/** What a step was told by, and what it has told actors outside of the run, whose steps are not read. */
function messagesOf(id: ActorId, { seq, at, kind, id: message, from, event, sent = [] }: JournalEntry, run: string): Timeline['messages'] {
  const to = addressOf(id)
  const type = event?.type ?? kind
  // The actor's own timers and tasks are no messages.
  const isTold = message !== undefined && from !== id && kind !== 'timer' && kind !== 'task' && kind !== 'reply'
  const told = isTold ? [{ at, from: from === undefined ? null : addressOf(from), to, type, seq, kind }] : []
  const outside = sent.filter(target => addressOf(runOf(target.to)) !== run)
  return [...told, ...outside.map(target => ({ at, from: to, to: addressOf(target.to), type: target.type, seq, kind: 'sent' }))]
}
