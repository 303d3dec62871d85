import { expect, test } from 'vitest'
import { z } from 'zod'
import { catalogueEntryOf } from '../../../src/core/catalogue.ts'
import { builtInPatterns, definePattern, pipeline } from '../../../patterns/index.ts'
import { outcomeOf, doing } from '../../support/pattern-members.ts'
import type { PersistedSnapshot } from '../../../src/core/document.ts'

const members = { shout: doing((text: string) => text.toUpperCase()), repeat: doing((text: string) => text + text) }
const relay = definePattern({
  name: 'relay',
  version: '3',
  description: 'one after the other',
  capabilities: ['relay'],
  params: z.strictObject({ runners: z.array(z.strictObject({ name: z.enum(['shout', 'repeat']), attempts: z.int().min(1).default(1) })).min(1) }),
  templates: { loud: { runners: [{ name: 'shout' }] } },
  build: ({ runners }) => pipeline({ name: 'relay', stages: runners.map(({ name, attempts }) => ({ name, member: members[name], retry: attempts })) }),
  migrate: (snapshot: PersistedSnapshot) => snapshot,
})

test('what is created is a machine with the version of its definition, that knows what it was built with', async () => {
  const params = { runners: [{ name: 'shout' }, { name: 'repeat' }] } as const
  const { machine, version, migrate } = relay.create({ runners: [...params.runners] })
  expect(await outcomeOf(machine, 'a')).toMatchObject({ status: 'done', output: 'AA' })
  expect(version).toBe('3')
  expect(migrate).toBeTypeOf('function')
  expect(catalogueEntryOf(machine)).toEqual({ kind: 'pattern', name: 'relay', description: 'one after the other', capabilities: ['relay'], version: '3', params })
})

test('a template gives params to begin with', async () => {
  expect(await outcomeOf(relay.createFrom('loud').machine, 'a')).toMatchObject({ output: 'A' })
  expect(await outcomeOf(relay.createFrom('loud', { runners: [{ name: 'repeat' }] }).machine, 'a')).toMatchObject({ output: 'aa' })
})

test('params are known as JSON Schema, as one gives them', () => {
  expect(relay.paramsSchema).toMatchObject({ type: 'object', required: ['runners'], properties: { runners: { type: 'array', minItems: 1, items: { required: ['name'], properties: { name: { enum: ['shout', 'repeat'] }, attempts: { default: 1 } } } } } })
})

test.each<[string, () => unknown, string]>([
  ['wrong params', () => relay.create({ runners: [{ name: 'shout', attempts: 0 }] }), "pattern 'relay': params.runners[0].attempts: Too small"],
  ['an unknown param', () => relay.create({ runners: [{ name: 'shout' }], speed: 1 } as never), `pattern 'relay': params: Unrecognized key: "speed"`],
  ['an unknown template', () => relay.createFrom('quiet'), "pattern 'relay' has no template 'quiet'; it has loud"],
  ['a template that is wrong', () => definePattern({ name: 'bad', params: z.string(), templates: { t: 5 as never }, build: () => relay.createFrom('loud').machine }), "template 't' of pattern 'bad': params: Invalid input"],
  ['a name that is none', () => definePattern({ name: 'a/b', params: z.string(), build: () => relay.createFrom('loud').machine }), '"a/b" cannot name a pattern'],
  ['params that a pattern refuses', () => builtInPatterns.debate.create({ debaters: ['a'], judge: 'b', rounds: 99 }), "pattern 'debate': rounds must be a whole number from 1 to the limit turnsMax, 20, not 99"],
  ['a breaker that is no address', () => builtInPatterns.parallel.create({ members: [{ member: 'a', breaker: 'nowhere' }] }), "pattern 'parallel', member 'a': its breaker is no address"],
  ['a limit that is none', () => builtInPatterns.parallel.create({ members: ['a'], limits: { fanOut: 1 } as never }), `pattern 'parallel': params.limits: Unrecognized key: "fanOut"`],
])('%s are refused with the path', (_, make, message) => {
  expect(make).toThrow(expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) }))
})

test('every built-in pattern is a definition whose params are JSON', () => {
  const params = {
    supervisor: { manager: 'm', members: ['x', 'y'], onFailure: { x: 'fail' } },
    hierarchical: { manager: 'm', members: { law: { manager: 'p', members: { a: { member: 'x', breaker: 'breaker/x' }, b: { manager: 'q', members: { c: { member: 'y', retry: 2 } } } } }, audit: 'z' } },
    research: { worker: 'x', synthesiser: 'y', executive: 'z', workers: 4 },
    handoff: { members: { a: 'x', b: 'y' }, start: 'a' },
    network: { members: ['x', 'y'], start: 'x', allow: { x: ['y'] } },
    swarm: { peers: 3, member: 'x', neighbourhood: { random: 2 } },
    pipeline: { stages: [{ name: 'a', member: 'x', retry: { attempts: 3, baseMs: 1_000, maxMs: 30_000 }, healthCheck: 'y', fallback: 'z' }] },
    parallel: { members: { a: { member: 'x', timeoutMs: 5 } }, policy: { quorum: 1 }, reduce: 'y', limits: { concurrencyMax: 2 } },
    mapReduce: { map: 'x' },
    vote: { voters: ['x', 'y'], tally: 'majority', weights: { x: 2 } },
    debate: { debaters: ['x', 'y'], judge: 'z' },
    router: { routes: ['x'], classify: 'y', fallback: 'x' },
    loopUntil: { refiner: 'x', critic: 'y' },
  }
  for (const [name, { create, paramsSchema, ...about }] of Object.entries(builtInPatterns)) {
    const given = params[name as keyof typeof params]
    const { machine } = create(JSON.parse(JSON.stringify(given)) as never)
    expect(catalogueEntryOf(machine)).toMatchObject({ kind: 'pattern', name: about.name, params: given, version: '1' })
    expect(JSON.parse(JSON.stringify(paramsSchema))).toMatchObject({ type: 'object', additionalProperties: false })
  }
})
