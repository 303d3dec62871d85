import { assign, enqueueActions, setup } from 'xstate'
import type { ActorLogic, AnyActorLogic, AnyActorRef, AnyEventObject, InputFrom, OutputFrom, Snapshot } from 'xstate'

export interface MapInput<TItem> {
  readonly items: readonly TItem[]
  /** Workers at once, from 1. */
  readonly concurrency: number
}

/** What came of one item, in the order of the items. */
export type MapResult<TResult> = { readonly ok: true; readonly output: TResult } | { readonly ok: false; readonly error: string }

interface MapContext<TItem, TResult> extends MapInput<TItem> {
  readonly started: number
  readonly results: Readonly<Record<number, MapResult<TResult>>>
}

type MapEvent = { readonly type: 'xstate.done.actor.*'; readonly actorId: string; readonly output: unknown } | { readonly type: 'xstate.error.actor.*'; readonly actorId: string; readonly error: unknown }

/** The machine that `mapOver` makes: it takes no events but the ends of its workers. */
export type MapOver<TItem, TResult> = ActorLogic<Snapshot<readonly MapResult<TResult>[]> & { readonly value: 'working' | 'complete'; readonly context: MapContext<TItem, TResult> }, MapEvent, MapInput<TItem>, AnyActorRef['system']>

const workerId = (index: number): string => `item-${index}`
const indexOf = (actorId: string): number => Number(actorId.slice('item-'.length))

/**
 * Map with bounded concurrency: one worker per item, at most `concurrency` at a time; a worker that fails is a result
 * that says so. The worker may be logic in process or `remote('name')`, a durable actor of its own.
 *
 * @example
 * const reviewAll = mapOver(remote<typeof reviewer>('reviewer'))   // input: { items, concurrency }; output: MapResult[]
 */
export function mapOver<TLogic extends AnyActorLogic>(worker: TLogic): MapOver<InputFrom<TLogic>, OutputFrom<TLogic>> {
  type TItem = InputFrom<TLogic>
  type TResult = OutputFrom<TLogic>
  const machine = setup({
    types: {
      context: {} as MapContext<TItem, TResult>,
      input: {} as MapInput<TItem>,
      output: {} as readonly MapResult<TResult>[],
      events: {} as MapEvent,
      children: {} as Record<string, 'worker'>,
    },
    actors: { worker: worker as unknown as ActorLogic<Snapshot<TResult>, AnyEventObject, TItem> },
    actions: {
      keep: assign({ results: ({ context }, { index, result }: { readonly index: number; readonly result: MapResult<TResult> }) => ({ ...context.results, [index]: result }) }),
      fill: enqueueActions(({ context, enqueue }) => {
        const free = context.concurrency - (context.started - Object.keys(context.results).length)
        const next = context.items.slice(context.started, context.started + Math.max(0, free))
        next.forEach((item, offset) => enqueue.spawnChild('worker', { id: workerId(context.started + offset), input: item as never }))
        enqueue.assign({ started: context.started + next.length })
      }),
    },
    guards: { isComplete: ({ context }) => Object.keys(context.results).length === context.items.length },
  }).createMachine({
    id: 'map-over',
    context: ({ input }) => ({ ...input, concurrency: Math.max(1, Math.floor(input.concurrency)), started: 0, results: {} }),
    initial: 'working',
    states: {
      working: {
        entry: 'fill',
        always: { guard: 'isComplete', target: 'complete' },
        on: {
          'xstate.done.actor.*': {
            actions: enqueueActions(({ event, enqueue }) => {
              enqueue({ type: 'keep', params: { index: indexOf(event.actorId), result: { ok: true, output: event.output as TResult } } })
              enqueue.stopChild(event.actorId)
              enqueue('fill')
            }),
          },
          'xstate.error.actor.*': {
            actions: enqueueActions(({ event, enqueue }) => {
              const error = event.error instanceof Error ? event.error.message : String(event.error)
              enqueue({ type: 'keep', params: { index: indexOf(event.actorId), result: { ok: false, error } } })
              enqueue.stopChild(event.actorId)
              enqueue('fill')
            }),
          },
        },
      },
      complete: { type: 'final' },
    },
    output: ({ context }) => context.items.map((_, index) => context.results[index] as MapResult<TResult>),
  })
  return machine as unknown as MapOver<TItem, TResult>
}
