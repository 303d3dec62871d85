import { createRuntime } from 'troupe'
import type { CatalogueItem, PatternInfo } from 'troupe'
import { builtInPatterns, definePattern, loopUntil, mapReduce, parallel, pipeline, router, vote } from 'troupe/patterns'
import type { Progress } from 'troupe/patterns'
import { expectTypeOf, test } from 'vitest'
import type { PatternOutcome } from '../../machines/outcome.ts'
import { z } from 'zod'

const line = pipeline({ name: 'line', stages: [{ name: 'a', member: 'x' }] })
const declared = definePattern({ name: 'own', params: z.object({ size: z.number().default(1) }), templates: { small: { size: 1 } }, build: ({ size }) => (expectTypeOf(size).toEqualTypeOf<number>(), line) })

test('a pattern takes a task and comes to an outcome, whatever it was made by', async () => {
  const runtime = await createRuntime({ machines: { line, own: declared.create({}), built: builtInPatterns.vote.create({ voters: ['x'] }) }, patterns: [declared], store: 'memory:' })
  for (const actor of [runtime.actor(line, '1'), runtime.actor('own', '1')]) {
    expectTypeOf(actor.start).toBeCallableWith({ task: 'anything' })
    expectTypeOf(await actor.result()).toEqualTypeOf<PatternOutcome>()
    expectTypeOf((await actor.snapshot()).context.progress).toEqualTypeOf<Progress>()
  }
  expectTypeOf(await runtime.actor('built', '1').result()).toEqualTypeOf<PatternOutcome>()
  expectTypeOf(runtime.agents.list({ capability: 'x' })).toEqualTypeOf<readonly CatalogueItem[]>()
  expectTypeOf(runtime.patterns.definitions()).toEqualTypeOf<readonly PatternInfo[]>()
})

test('options that are none are mistakes of the compiler', () => {
  // @ts-expect-error a pipeline has stages
  pipeline({ name: 'p' })
  // @ts-expect-error no such policy
  parallel({ name: 'p', members: ['a'], policy: 'most' })
  // @ts-expect-error a quorum is a number
  mapReduce({ name: 'p', map: 'a', policy: { quorum: 'all' } })
  // @ts-expect-error no such tally
  vote({ name: 'p', voters: ['a'], tally: 'loudest' })
  // @ts-expect-error no such limit
  router({ name: 'p', routes: ['a'], classify: 'b', limits: { speedMax: 1 } })
  // @ts-expect-error a critic says whether it accepts
  loopUntil({ name: 'p', refiner: 'a', critic: () => 'fine' })
  // @ts-expect-error params are those of the schema
  declared.create({ size: 'big' })
  // @ts-expect-error no such template: its params are typed
  declared.createFrom('small', { colour: 'red' })
})
