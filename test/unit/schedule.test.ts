import { SimulatedClock, createActor, waitFor } from 'xstate'
import { describe, expect, test } from 'vitest'
import { schedule } from '../../machines/index.ts'
import type { ScheduleInput } from '../../machines/index.ts'
import { doneEvent, errorEvent, expectEveryTransition } from '../support/machine-paths.ts'

const HOUR = 3_600_000
const planned = (due: readonly number[], nextMs: number | null) => doneEvent('plan', { nowMs: 0, due, missed: 0, nextMs })

test('every transition of a schedule is taken', () => {
  const input: ScheduleInput = { times: { everyMs: 1 }, start: { machine: 'report' } }
  const events = [{ type: 'schedule.pause' }, { type: 'schedule.resume' }, planned([1, 2], 3), planned([1], null), errorEvent('plan'), doneEvent('run-1'), errorEvent('run-1')]
  const explore = ({ context }: { readonly context: { readonly started: number; readonly history: readonly unknown[] } }): boolean => context.started + context.history.length < 4
  expectEveryTransition(
    schedule('report'),
    { input, events, explore },
    { input: { ...input, overlap: 'replace' }, events, explore },
    { input: { ...input, start: { to: 'desk/1', event: { type: 'ring' } } }, events, explore },
  )
})

/** The first plan of a schedule that begins at `startMs`, and that after `laterMs` more. */
async function plansOf(input: Pick<ScheduleInput, 'times'> & Partial<ScheduleInput>, startMs: number, laterMs = 0) {
  const clock = new SimulatedClock()
  clock.set(startMs)
  const actor = createActor(schedule(), { clock, input: { start: { to: 'desk/1', event: { type: 'ring' } }, ...input } }).start()
  const settled = () => waitFor(actor, ({ value, status }) => status === 'done' || (value as { readonly times: string }).times !== 'planning')
  await settled()
  actor.send({ type: 'schedule.pause' })
  clock.increment(laterMs)
  actor.send({ type: 'schedule.resume' })
  const { context, status } = await settled()
  return { ...context, isDone: status === 'done', next: context.nextMs === null ? null : new Date(context.nextMs).toISOString(), sent: context.history.map(({ scheduledAt }) => scheduledAt.slice(5, 19)) }
}

const NEW_YEAR = Date.UTC(2026, 0, 1)

describe('times', () => {
  test.each([
    ['cron, in UTC by default', { cron: '30 2 * * *' }, NEW_YEAR, '2026-01-01T02:30:00.000Z'],
    ['cron in a time zone', { cron: '30 2 * * *', timeZone: 'Asia/Kolkata' }, NEW_YEAR, '2026-01-01T21:00:00.000Z'],
    ['cron after summer time begins', { cron: '0 12 * * *', timeZone: 'Europe/Berlin' }, Date.UTC(2026, 2, 28, 12), '2026-03-29T10:00:00.000Z'],
    ['cron in a skipped hour: at its end', { cron: '30 2 * * *', timeZone: 'Europe/Berlin' }, Date.UTC(2026, 2, 28, 12), '2026-03-29T01:00:00.000Z'],
    ['a leap day', { cron: '0 0 29 2 *' }, NEW_YEAR, '2028-02-29T00:00:00.000Z'],
    ['an interval, counted from the start', { everyMs: 90_000 }, NEW_YEAR + 1, '2026-01-01T00:01:30.001Z'],
    ['one time', { at: '2026-01-02T09:00:00+01:00' }, NEW_YEAR, '2026-01-02T08:00:00.000Z'],
  ])('%s', async (_name, times, startMs, next) => {
    expect(await plansOf({ times }, startMs)).toMatchObject({ next, started: 0 })
  })

  test('one time in the past is made up for at once, unless missed runs are skipped', async () => {
    const times = { at: '2025-12-31T23:00:00Z' }
    expect(await plansOf({ times }, NEW_YEAR)).toMatchObject({ isDone: true, started: 1, sent: ['12-31T23:00:00'] })
    expect(await plansOf({ times, missed: 'skip' }, NEW_YEAR)).toMatchObject({ isDone: true, started: 0, missedRuns: 1 })
  })

  test.each([
    ['a pattern', { cron: 'every day' }, 'CronPattern'],
    ['a time zone', { cron: '@daily', timeZone: 'Mars/Olympus' }, 'Mars/Olympus'],
    ['a time', { at: 'soon' }, 'not soon'],
    ['an interval', { everyMs: 0 }, 'everyMs must be at least 1'],
  ])('%s that makes no sense ends the schedule and says so', async (_name, times, message) => {
    expect(await plansOf({ times }, NEW_YEAR)).toMatchObject({ isDone: true, error: expect.stringContaining(message) as string })
  })

  test.each([
    [{ to: 'nowhere', event: { type: 'ring' } }, 'nowhere'],
    [{ machine: 'ghost' }, "name it in schedule('ghost')"],
  ])('what cannot be started ends the schedule and says so: %j', async (start, message) => {
    expect(await plansOf({ times: { everyMs: 1 }, start }, NEW_YEAR)).toMatchObject({ isDone: true, error: expect.stringContaining(message) as string })
  })
})

describe('missed runs', () => {
  const times = { cron: '@hourly' }

  test('once: the latest of them', async () => {
    expect(await plansOf({ times }, NEW_YEAR, 5.5 * HOUR)).toMatchObject({ sent: ['01-01T05:00:00'], missedRuns: 4, next: '2026-01-01T06:00:00.000Z' })
  })

  test('all: each of them, in order', async () => {
    expect((await plansOf({ times, missed: 'all' }, NEW_YEAR, 3.5 * HOUR)).sent).toEqual(['01-01T01:00:00', '01-01T02:00:00', '01-01T03:00:00'])
  })

  test('all: at most the last hundred', async () => {
    const { started, missedRuns, history } = await plansOf({ times: { everyMs: 1 }, missed: 'all' }, NEW_YEAR, HOUR)
    expect({ started, missedRuns, remembered: history.length }).toEqual({ started: 100, missedRuns: 1, remembered: 50 })
  })

  test('skip: none that is older than the grace time', async () => {
    expect(await plansOf({ times, missed: 'skip' }, NEW_YEAR, 5.5 * HOUR)).toMatchObject({ sent: [], missedRuns: 5 })
    expect(await plansOf({ times, missed: 'skip' }, NEW_YEAR, 5 * HOUR + 60_000)).toMatchObject({ sent: ['01-01T05:00:00'], missedRuns: 4 })
  })

  test('a run at this very instant is due, once', async () => {
    expect(await plansOf({ times }, NEW_YEAR, HOUR)).toMatchObject({ sent: ['01-01T01:00:00'], next: '2026-01-01T02:00:00.000Z' })
  })
})
