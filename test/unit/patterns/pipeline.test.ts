import { fromPromise } from 'xstate'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { pipeline } from '../../../patterns/index.ts'
import type { Stage } from '../../../patterns/index.ts'
import { begin, comesTo, doing, echo, outcome, outcomeOf, silent, soon } from '../../support/pattern-members.ts'

const broken = comesTo(new Error('no'))
const line = (...stages: Stage[]): ReturnType<typeof pipeline> => pipeline({ name: 'line', stages })
const upper: Stage = { name: 'upper', member: doing((text: string) => text.toUpperCase()) }
const twice: Stage = { name: 'twice', member: doing((text: string) => text + text) }

test('each stage is given what the one before has put out', async () => {
  const result = await outcomeOf(line(upper, twice, { name: 'last', member: echo, input: (task, previous) => `${String(task)} and ${String(previous)}` }), 'ab')
  expect(result).toMatchObject({ status: 'done', output: 'did ab and ABAB', members: [{ member: 'upper', output: 'AB' }, { member: 'twice' }, { member: 'last' }] })
})

test('the state says which stage is at work', async () => {
  const { state, context } = begin(line(upper, { name: 'wait', member: silent }))
  await soon()
  expect(state()).toEqual({ running: 'wait' })
  expect(context().progress).toEqual({ total: 2, begun: 2, ended: 1, failed: 0 })
})

test('all health checks come before the first stage, and one that is not good stops it all', async () => {
  const begun: string[] = []
  const noted: Stage = { name: 'noted', member: doing((text: string) => (begun.push(text), text)), healthCheck: comesTo({ ok: true }) }
  expect(await outcomeOf(line(noted, { ...upper, healthCheck: comesTo(true) }), 'a')).toMatchObject({ status: 'done', output: 'A', members: [{ member: 'noted.health' }, { member: 'upper.health' }, { member: 'noted' }, { member: 'upper' }] })
  const sick = line(noted, { ...upper, healthCheck: broken }, { ...twice, healthCheck: comesTo(false) })
  expect(await outcomeOf(sick, 'b')).toMatchObject({ status: 'failed', reason: "not healthy, so no stage has begun: 'upper.health' is failed: no; 'twice.health' is failed: its output is not valid: it was refused" })
  expect(begun).toEqual(['a'])
})

test('a stage that is not done fails the pipeline, unless it may be skipped', async () => {
  expect(await outcomeOf(line(upper, { name: 'bad', member: broken }, twice), 'a')).toMatchObject({ status: 'failed', reason: "'bad' is failed: no", output: null, members: [{ member: 'upper' }, { member: 'bad', attempts: 1 }] })
  expect(await outcomeOf(line(upper, { name: 'bad', member: broken, onFailure: 'skip' }, twice), 'a')).toMatchObject({ status: 'done', output: 'AA' })
  expect(await outcomeOf(line(upper, { name: 'bad', member: broken, onFailure: 'skip' }), 'a')).toMatchObject({ status: 'done', output: 'A' })
})

test('each stage has a timeout, retries, a validation and a fallback of its own', async () => {
  const { clock, ended, state } = begin(line(
    { name: 'nlp', member: comesTo(new Error('once'), { words: 2 }), retry: { attempts: 3, baseMs: 1_000, maxMs: 30_000 }, validate: z.object({ words: z.number() }) },
    { name: 'data', member: silent, timeoutMs: 5_000, fallback: comesTo(outcome('done', 'from the cache')) },
  ))
  await soon()
  clock.increment(1_000)
  await soon()
  expect(state()).toEqual({ running: 'data' })
  clock.increment(5_000)
  expect(await ended).toMatchObject({ status: 'done', output: 'from the cache', members: [{ member: 'nlp', attempts: 2 }, { member: 'data', attempts: 2, isFallback: true }] })
})

test('an input that throws, and a stage that hands back nothing, are outcomes', async () => {
  expect(await outcomeOf(line(upper, { ...twice, input: () => { throw new Error('no such field') } }), 'a')).toMatchObject({ status: 'failed', reason: 'no such field' })
  expect(await outcomeOf(line({ name: 'mute', member: fromPromise(async () => undefined) }, upper), 'a')).toMatchObject({ status: 'failed', reason: "'mute' is empty: it ended without an output" })
})

test.each<[string, Stage[], string]>([
  ['no stages', [], "pattern 'line' has no members"],
  ['two stages of one name', [upper, upper], "pattern 'line' has two stages called 'upper'"],
  ['a name that is no state', [{ ...upper, name: 'a.b' }], "pattern 'line': a stage is a state, so the name 'a.b' cannot have a dot"],
])('%s is refused', (_, stages, message) => {
  expect(() => line(...stages)).toThrow(expect.objectContaining({ code: 'config/invalid', message }))
})
