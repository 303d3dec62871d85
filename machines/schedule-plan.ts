import { Cron } from 'croner'
import { parseAddress } from '../src/core/address.ts'
import { TroupeError } from '../src/core/errors.ts'
import { task } from '../src/core/task.ts'
import type { TaskScope } from '../src/core/task.ts'
import type { ScheduleInput } from './schedule.ts'

/** Runs that a plan looks back for, and that `missed: 'all'` makes up for. */
export const MISSED_MAX = 100

export interface PlanInput extends ScheduleInput {
  /** Machines it may spawn. */
  readonly machines: readonly string[]
  /** When the schedule began; intervals are counted from there. */
  readonly begunMs: number | null
  /** Runs up to then have been planned. */
  readonly plannedMs: number | null
}

export interface Plan {
  readonly nowMs: number
  /** Times of the runs to start now, in order. */
  readonly due: readonly number[]
  /** Runs that will not be made up for. */
  readonly missed: number
  readonly nextMs: number | null
}

/** Times of runs: the latest first that are not after a time, and the first after it. */
interface Times {
  until(ms: number): Iterable<number>
  after(ms: number): number | null
}

/** A machine has no clock: what is due is found here, whenever the last plan has run out. Time that goes back stands still. */
export const plan = task({ run: ({ input, now }: TaskScope<PlanInput>): Plan => planAt(Math.max(now(), input.plannedMs ?? -Infinity), input), retry: 1 })

function planAt(nowMs: number, input: PlanInput): Plan {
  checkStart(input)
  const times = timesOf(input.times, input.begunMs ?? nowMs)
  const plannedMs = input.plannedMs ?? ('at' in input.times ? -Infinity : nowMs)
  const due = [...Iterator.from(times.until(nowMs)).take(MISSED_MAX + 1)].filter(ms => ms > plannedMs)
  const kept = keptOf(due, nowMs, input)
  return { nowMs, due: kept.toReversed(), missed: due.length - kept.length, nextMs: times.after(nowMs) }
}

/** Of the due runs, the latest first, those that are started. */
function keptOf(due: readonly number[], nowMs: number, { missed = 'once', graceMs = 60_000 }: ScheduleInput): readonly number[] {
  switch (missed) {
    case 'all': return due.slice(0, MISSED_MAX)
    case 'once': return due.slice(0, 1)
    case 'skip': return due.slice(0, 1).filter(ms => nowMs - ms <= graceMs)
  }
}

function checkStart({ start, machines }: PlanInput): void {
  if ('to' in start) parseAddress(start.to)
  else if (!machines.includes(start.machine)) throw new TroupeError('config/invalid', `the schedule may start ${machines.join(', ') || 'no machine'}, not ${start.machine}: name it in schedule('${start.machine}')`)
}

function timesOf(times: ScheduleInput['times'], begunMs: number): Times {
  if ('cron' in times) return cronTimes(times.cron, times.timeZone)
  if ('at' in times) return onceAt(times.at)
  return everyMs(times.everyMs, begunMs)
}

function cronTimes(pattern: string, timeZone = 'UTC'): Times {
  const cron = new Cron(pattern, { timezone: timeZone })
  return {
    *until(ms) {
      // A second later, for a run at this very instant counts too.
      for (let before = ms + 1_000; ;) {
        const [run] = cron.previousRuns(1, new Date(before))
        if (!run) return
        before = run.getTime()
        if (before <= ms) yield before
      }
    },
    after: ms => cron.nextRun(new Date(ms))?.getTime() ?? null,
  }
}

function onceAt(at: string): Times {
  const run = Date.parse(at)
  if (Number.isNaN(run)) throw new TroupeError('config/invalid', `at must be a time such as 2027-01-31T09:00:00Z, not ${at}`)
  return { until: ms => (run <= ms ? [run] : []), after: ms => (run > ms ? run : null) }
}

function everyMs(interval: number, begunMs: number): Times {
  if (!(interval >= 1)) throw new TroupeError('config/invalid', `everyMs must be at least 1 millisecond, not ${interval}`)
  const count = (ms: number): number => Math.floor((ms - begunMs) / interval)
  return {
    *until(ms) {
      for (let run = count(ms); run >= 1; run--) yield begunMs + run * interval
    },
    after: ms => begunMs + Math.max(1, count(ms) + 1) * interval,
  }
}
