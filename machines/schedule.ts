import { assign, enqueueActions, setup } from 'xstate'
import type { AnyActorLogic, AnyEventObject } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../src/core/catalogue.ts'
import { toErrorInfo } from '../src/core/errors.ts'
import { remote } from '../src/core/remote.ts'
import { actorAt } from '../src/core/targets.ts'
import { plan } from './schedule-plan.ts'
import type { Plan } from './schedule-plan.ts'

/** Ended runs that are remembered. */
const HISTORY_MAX = 50
/** Runs at once with `overlap: 'allow'`; further ones are skipped. */
const RUNNING_MAX = 100
/** Runs that wait with `overlap: 'queue'`; further ones are skipped. */
const QUEUED_MAX = 100

export interface ScheduleInput {
  /** Cron pattern (five to seven parts, also `@daily`; time zone by default UTC), one time (ISO 8601), or an interval from the start on. */
  readonly times: { readonly cron: string; readonly timeZone?: string } | { readonly at: string } | { readonly everyMs: number }
  /** An event to an actor, or a machine to start as a durable child: each is given `scheduledAt` (ISO 8601) besides. */
  readonly start: { readonly to: string; readonly event: AnyEventObject } | { readonly machine: string; readonly input?: object }
  /** Of the runs that fell into a downtime or pause: the latest one alone (default), up to 100 of them, or none older than `graceMs`. */
  readonly missed?: 'once' | 'all' | 'skip'
  /** Milliseconds. Default 60,000. */
  readonly graceMs?: number
  /** While an earlier machine still runs: leave the run out (default), let it wait (default with `missed: 'all'`), start it all the same, or stop the earlier one. */
  readonly overlap?: 'skip' | 'queue' | 'allow' | 'replace'
}

/** A run that is over; of a sent event nobody knows more than that it was sent. */
export interface ScheduledRun {
  readonly scheduledAt: string
  readonly status: 'sent' | 'done' | 'failed' | 'skipped' | 'replaced'
  readonly reason?: string
}

export interface ScheduleOutput {
  readonly started: number
  /** Runs left out for having come too late, as far as was looked back. */
  readonly missedRuns: number
  /** The last ones. */
  readonly history: readonly ScheduledRun[]
  /** Why it could not go on; null if there are no more runs. */
  readonly error: string | null
}

interface ScheduleContext extends ScheduleInput, ScheduleOutput {
  readonly begunMs: number | null
  readonly plannedMs: number | null
  readonly nextMs: number | null
  /** Times to start at, that have come. */
  readonly due: readonly number[]
  /** Scheduled times, by child. */
  readonly running: Readonly<Record<string, number>>
  readonly isOver: boolean
}

type ScheduleEvent =
  | { readonly type: 'schedule.pause' | 'schedule.resume' }
  | { readonly type: 'xstate.done.actor.*'; readonly actorId: string }
  | { readonly type: 'xstate.error.actor.*'; readonly actorId: string; readonly error: unknown }

const timeText = (ms: number): string => new Date(ms).toISOString()
const noted = (context: ScheduleContext, run: ScheduledRun): readonly ScheduledRun[] => [...context.history, run].slice(-HISTORY_MAX)

/** A run that has ended, taken from those that run. */
function ended(context: ScheduleContext, id: string, outcome: Pick<ScheduledRun, 'status' | 'reason'>): Partial<ScheduleContext> {
  const { [id]: atMs = 0, ...running } = context.running
  return { running, history: noted(context, { scheduledAt: timeText(atMs), ...outcome }) }
}

/**
 * Starts things at times: by cron, at one time, or in an interval; pausable, with a say over missed and overlapping runs.
 * Takes the names of the machines that it may start. Ends when there are no more runs.
 *
 * @example
 * const nightly = schedule('report')
 * await runtime.actor(nightly, 'report').start({ times: { cron: '0 2 * * *', timeZone: 'Europe/Berlin' }, start: { machine: 'report', input: { of: 'sales' } } })
 */
export function schedule(...machines: readonly string[]) {
  return setup({
    types: { context: {} as ScheduleContext, input: {} as ScheduleInput, events: {} as ScheduleEvent, output: {} as ScheduleOutput },
    schemas: { events: { 'schedule.pause': z.object({ type: z.literal('schedule.pause') }), 'schedule.resume': z.object({ type: z.literal('schedule.resume') }) } },
    actors: { ...Object.fromEntries(machines.map(name => [name, remote(name) as AnyActorLogic])), plan } as { plan: typeof plan },
    delays: { untilNext: ({ context }) => (context.nextMs ?? 0) - (context.plannedMs ?? 0) },
    guards: {
      isLast: (_scope, { nextMs }: Plan) => nextMs === null,
      sends: ({ context }) => context.due.length > 0 && 'to' in context.start,
      isFree: ({ context }) => context.due.length > 0 && Object.keys(context.running).length < (context.overlap === 'allow' ? RUNNING_MAX : 1),
      replaces: ({ context }) => context.due.length > 0 && context.overlap === 'replace',
      skips: ({ context }) => context.due.length > (context.overlap === 'queue' ? QUEUED_MAX : 0),
      isRun: ({ context }, { id }: { readonly id: string }) => id in context.running,
      isOver: ({ context }) => context.isOver && context.due.length === 0 && Object.keys(context.running).length === 0,
    },
    actions: {
      keepPlan: assign(({ context }, { nowMs, due, missed, nextMs }: Plan) => ({
        begunMs: context.begunMs ?? nowMs, plannedMs: nowMs, nextMs, due: [...context.due, ...due], missedRuns: context.missedRuns + missed, isOver: nextMs === null,
      })),
      keepFailure: assign((_scope, { error }: { readonly error: unknown }) => ({ error: toErrorInfo(error).message, isOver: true })),
      send: enqueueActions(({ context, enqueue }) => {
        const [atMs = 0, ...due] = context.due
        if (!('to' in context.start)) return
        const scheduledAt = timeText(atMs)
        enqueue.sendTo(actorAt(context.start.to), { ...context.start.event, scheduledAt })
        enqueue.assign({ due, started: context.started + 1, history: noted(context, { scheduledAt, status: 'sent' }) })
      }),
      spawn: enqueueActions(({ context, enqueue }) => {
        const [atMs = 0, ...due] = context.due
        if (!('machine' in context.start)) return
        const id = `run-${context.started + 1}`
        enqueue.spawnChild(context.start.machine as never, { id, input: { ...context.start.input, scheduledAt: timeText(atMs) } as never })
        enqueue.assign({ due, started: context.started + 1, running: { ...context.running, [id]: atMs } })
      }),
      stopRunning: enqueueActions(({ context, enqueue }) => {
        for (const id of Object.keys(context.running)) {
          enqueue.stopChild(id)
          enqueue.assign(scope => ended(scope.context, id, { status: 'replaced' }))
        }
      }),
      /** The latest of those that are too many. */
      skip: assign(({ context }) => ({ due: context.due.slice(0, -1), history: noted(context, { scheduledAt: timeText(context.due.at(-1) ?? 0), status: 'skipped' }) })),
      end: enqueueActions(({ context, enqueue }, { id, error }: { readonly id: string; readonly error?: unknown }) => {
        enqueue.assign(ended(context, id, error === undefined ? { status: 'done' } : { status: 'failed', reason: toErrorInfo(error).message }))
        enqueue.stopChild(id)
      }),
    },
  }).createMachine({
    id: 'schedule',
    meta: catalogued({ kind: 'machine', name: 'schedule', description: 'Starts things at times: by cron, once, or in an interval.', capabilities: ['schedule'] }),
    type: 'parallel',
    context: ({ input }) => ({ overlap: input.missed === 'all' ? 'queue' : 'skip', ...input, begunMs: null, plannedMs: null, nextMs: null, due: [], running: {}, isOver: false, started: 0, missedRuns: 0, history: [], error: null }),
    states: {
      times: {
        initial: 'planning',
        states: {
          planning: {
            invoke: {
              id: 'plan', src: 'plan',
              input: ({ context: { times, start, missed, graceMs, begunMs, plannedMs } }) => ({ times, start, ...(missed && { missed }), ...(graceMs !== undefined && { graceMs }), begunMs, plannedMs, machines }),
              onDone: [
                { guard: { type: 'isLast', params: ({ event }) => event.output }, target: 'over', actions: { type: 'keepPlan', params: ({ event }) => event.output } },
                { target: 'waiting', actions: { type: 'keepPlan', params: ({ event }) => event.output } },
              ],
              onError: { target: 'over', actions: { type: 'keepFailure', params: ({ event }) => ({ error: event.error }) } },
            },
            on: { 'schedule.pause': 'paused' },
          },
          waiting: { after: { untilNext: 'planning' }, on: { 'schedule.pause': 'paused' } },
          paused: { on: { 'schedule.resume': 'planning' } },
          over: { type: 'final' },
        },
      },
      runs: {
        initial: 'open',
        states: {
          open: {
            always: [
              { guard: 'sends', actions: 'send' },
              { guard: 'isFree', actions: 'spawn' },
              { guard: 'replaces', actions: ['stopRunning', 'spawn'] },
              { guard: 'skips', actions: 'skip' },
              { guard: 'isOver', target: 'over' },
            ],
            on: {
              'xstate.done.actor.*': { guard: { type: 'isRun', params: ({ event }) => ({ id: event.actorId }) }, actions: { type: 'end', params: ({ event }) => ({ id: event.actorId }) } },
              'xstate.error.actor.*': { guard: { type: 'isRun', params: ({ event }) => ({ id: event.actorId }) }, actions: { type: 'end', params: ({ event }) => ({ id: event.actorId, error: event.error }) } },
            },
          },
          over: { type: 'final' },
        },
      },
    },
    output: ({ context: { started, missedRuns, history, error } }) => ({ started, missedRuns, history, error }),
  })
}
