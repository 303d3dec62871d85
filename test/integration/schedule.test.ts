import { task } from 'troupe'
import { schedule } from 'troupe/machines'
import type { ScheduleInput } from 'troupe/machines'
import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { createSqliteWorld } from '../support/sqlite-world.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface ReportInput {
  readonly of: string
  readonly tookMs: number
  readonly scheduledAt: string
}

/** Takes as long as it is told, and refuses to be of nothing. */
const report = setup({
  types: { input: {} as ReportInput, context: {} as ReportInput },
  actors: { look: task({ run: ({ input }: { readonly input: string }) => { if (input === '') throw new Error('a report of nothing') }, retry: 1 }) },
  delays: { work: ({ context }) => context.tookMs },
}).createMachine({
  id: 'report',
  context: ({ input }) => input,
  initial: 'looking',
  states: { looking: { invoke: { id: 'look', src: 'look', input: ({ context }) => context.of, onDone: 'writing' } }, writing: { after: { work: 'written' } }, written: { type: 'final' } },
})

const desk = setup({ types: { context: {} as { readonly rung: readonly string[] }, events: {} as { readonly type: 'ring'; readonly scheduledAt: string } } }).createMachine({
  id: 'desk',
  context: { rung: [] },
  on: { ring: { actions: assign({ rung: ({ context, event }) => [...context.rung, event.scheduledAt] }) } },
})

const machines = { report, desk, nightly: schedule('report') }
const reportOf = (of: string, tookMs: number): ScheduleInput['start'] => ({ machine: 'report', input: { of, tookMs } })

async function worldOf(input: ScheduleInput) {
  const world = await createSqliteWorld(machines)
  const actor = () => world.runtime.actor('nightly', '1')
  await actor().start(input)
  await world.settle()
  return { world, actor, history: async () => (await actor().snapshot()).context.history.map(({ scheduledAt, status }) => `${scheduledAt.slice(11, 16)} ${status}`) }
}

test('a machine is started at its times, with its input, once each, over crashes before and while it runs', async () => {
  const { world, actor, history } = await worldOf({ times: { cron: '@hourly' }, start: reportOf('sales', 10 * MINUTE) })
  for (let hour = 0; hour < 3; hour++) {
    await world.advance(30 * MINUTE)
    await world.crash()
    await world.restart()
    await world.advance(30 * MINUTE)
    await world.crash()
    await world.restart()
  }
  expect(await history()).toEqual(['01:00 done', '02:00 done'])
  const { actors } = await world.runtime.actors({ machine: 'report' })
  expect(actors).toHaveLength(3)
  expect((await actor().snapshot()).context).toMatchObject({ started: 3, missedRuns: 0, running: { 'run-3': Date.UTC(2026, 0, 1, 3) } })
})

test('after a downtime the latest missed run is made up for, and times go on', async () => {
  const { world, history } = await worldOf({ times: { cron: '@hourly' }, start: reportOf('sales', 0) })
  await world.crash()
  await world.advance(5.5 * HOUR)
  await world.restart()
  await world.advance(HOUR)
  expect(await history()).toEqual(['05:00 done', '06:00 done'])
})

test('an event is sent to an actor at one time, and the schedule ends', async () => {
  const { world, actor } = await worldOf({ times: { at: '2026-01-01T09:00:00Z' }, start: { to: 'desk/1', event: { type: 'ring' } } })
  await world.runtime.actor('desk', '1').start()
  await world.advance(9 * HOUR)
  expect((await world.runtime.actor('desk', '1').snapshot()).context.rung).toEqual(['2026-01-01T09:00:00.000Z'])
  expect(await actor().result()).toMatchObject({ started: 1, missedRuns: 0, error: null, history: [{ status: 'sent' }] })
})

test('what fell into a pause is missed like what fell into a downtime', async () => {
  const { world, actor, history } = await worldOf({ times: { everyMs: HOUR }, start: reportOf('sales', 0), missed: 'all' })
  await actor().send({ type: 'schedule.pause' })
  await world.advance(2.5 * HOUR)
  expect(await history()).toEqual([])
  await world.crash()
  await world.restart()
  await actor().send({ type: 'schedule.resume' })
  await world.advance(HOUR)
  expect(await history()).toEqual(['01:00 done', '02:00 done', '03:00 done'])
})

test.each([
  ['skip', ['02:00 skipped', '03:00 skipped', '01:00 done', '05:00 skipped'], 2],
  ['queue', ['01:00 done', '02:00 done'], 3],
  ['allow', ['01:00 done', '02:00 done', '03:00 done'], 5],
  ['replace', ['01:00 replaced', '02:00 replaced', '03:00 replaced', '04:00 replaced'], 5],
] as const)('overlapping runs: %s', async (overlap, expected, started) => {
  const { world, actor, history } = await worldOf({ times: { everyMs: HOUR }, start: reportOf('sales', 2.2 * HOUR), overlap })
  await world.advance(5.9 * HOUR)
  expect(await history()).toEqual(expected)
  expect((await actor().snapshot()).context.started).toBe(started)
})

test('a run that fails is a failed run, and the next one comes', async () => {
  const { world, history } = await worldOf({ times: { everyMs: HOUR }, start: reportOf('', 0) })
  await world.advance(2.5 * HOUR)
  expect(await history()).toEqual(['01:00 failed', '02:00 failed'])
})
