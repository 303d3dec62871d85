import { createRuntime } from 'troupe'
import { agent as realAgent, scriptedModel, tool } from 'troupe/agents'
import { builtInPatterns, definePattern, parallel, pipeline, router } from 'troupe/patterns'
import { createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { setup } from 'xstate'
import { z } from 'zod'
import { catalogued } from '../../src/core/catalogue.ts'

const agent = (name: string, ...capabilities: string[]) => setup({}).createMachine({ id: name, meta: catalogued({ kind: 'agent', name, description: `is a ${name}`, capabilities, model: 'small' }), initial: 'idle', states: { idle: {} } })
const plain = setup({}).createMachine({})
const ends = setup({}).createMachine({ initial: 'end', states: { end: { type: 'final' } }, output: 'x' })

test('agents and patterns are found by what they can do', async () => {
  const machines = {
    writer: { machine: agent('writer', 'write', 'translate/de'), version: '4' },
    reader: agent('reader', 'read'),
    plain,
    crew: builtInPatterns.parallel.create({ members: ['writer', 'reader'] }),
    desk: router({ name: 'desk', capabilities: ['read'], classify: () => 'a', routes: { a: pipeline({ name: 'inner', stages: [{ name: 's', member: 'reader', fallback: 'plain' }] }) } }),
  }
  const { runtime } = await createTestWorld({ machines, patterns: Object.values(builtInPatterns) })
  await using _ = runtime
  const names = (items: readonly { readonly machine: string }[]): string[] => items.map(({ machine }) => machine)
  expect(runtime.agents.list()).toEqual([
    { machine: 'writer', kind: 'agent', name: 'writer', description: 'is a writer', capabilities: ['write', 'translate/de'], model: 'small', version: '4', members: [] },
    expect.objectContaining({ machine: 'reader', version: '1' }),
  ])
  expect(names(runtime.agents.list({ capability: 'translate' }))).toEqual(['writer'])
  expect(names(runtime.agents.list({ capability: 'trans' }))).toEqual([])
  expect(runtime.patterns.list()).toMatchObject([
    { machine: 'crew', name: 'parallel', version: '1', params: { members: ['writer', 'reader'] }, members: ['writer', 'reader'] },
    { machine: 'desk', name: 'desk', members: ['reader', 'plain'] },
  ])
  expect(names(runtime.patterns.list({ capability: 'read' }))).toEqual(['desk'])
  expect(runtime.patterns.definitions({ capability: 'pattern/vote' })).toEqual([{ name: 'vote', version: '1', description: 'voters answer one task and a tally decides', capabilities: ['pattern/vote'], paramsSchema: expect.objectContaining({ type: 'object' }), templates: {} }])
  expect(runtime.patterns.definitions()).toHaveLength(Object.keys(builtInPatterns).length)
})

test('an agent says which model and tools it has', async () => {
  const look = tool({ name: 'look', description: 'looks', input: z.object({}), run: () => 'seen' })
  const clerk = realAgent({ name: 'clerk', description: 'serves', capabilities: ['serve'], instructions: 'Serve.', model: scriptedModel(['Yes?'], { modelId: 'small' }), tools: [look], handoffs: ['boss'] })
  await using runtime = await createRuntime({ machines: { clerk, sold: realAgent({ name: 'plain', instructions: '', model: scriptedModel([]) }) }, store: 'memory:' })
  expect(runtime.agents.list()).toEqual([
    { machine: 'clerk', kind: 'agent', name: 'clerk', description: 'serves', capabilities: ['serve'], model: 'small', tools: ['look'], version: '1', members: [] },
    { machine: 'sold', kind: 'agent', name: 'plain', capabilities: [], model: 'scripted', tools: [], version: '1', members: [] },
  ])
})

test('a pattern whose member nobody has registered is refused, however deep', async () => {
  const inner = pipeline({ name: 'inner', stages: [{ name: 'first', member: 'plain', fallback: 'ghost' }] })
  const crew = parallel({ name: 'p', members: { inner } })
  await expect(createRuntime({ machines: { plain, crew }, store: 'memory:' })).rejects.toMatchObject({ code: 'machine/unknown', message: "pattern 'crew' has a member 'fallback:first', but no machine 'ghost' is registered; registered are plain, crew" })
})

test('a pattern that contains itself by name is ended by the limit, with a reason', async () => {
  const machines = { a: pipeline({ name: 'a', stages: [{ name: 'b', member: 'b' }] }), b: parallel({ name: 'b', members: ['ends', 'a'] }), ends }
  await using world = await createTestWorld({ machines })
  const actor = world.runtime.actor(machines.a, '1')
  await actor.start({ task: 'x' })
  const outcome = await actor.result()
  expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringContaining('it is 9 patterns deep, the limit depthMax is 8: is there a cycle?') })
  expect((await world.runtime.actors({ status: 'active' })).actors).toEqual([])
})

test('two definitions of one name and version are refused; two versions are not', async () => {
  const define = (version: string) => definePattern({ name: 'x', version, params: z.object({}), build: () => pipeline({ name: 'x', stages: [{ name: 's', member: 'plain' }] }) })
  await expect(createRuntime({ machines: { plain }, store: 'memory:', patterns: [define('1'), define('1')] })).rejects.toMatchObject({ code: 'config/invalid', message: "patterns has 'x' in version '1' twice" })
  await using runtime = await createRuntime({ machines: { plain }, store: 'memory:', patterns: [define('1'), define('2')] })
  expect(runtime.patterns.definitions().map(({ version }) => version)).toEqual(['1', '2'])
})

test('an actor of a pattern goes on in a new version that migrates it', async () => {
  const steps = (version: string, ...stages: string[]) => definePattern({
    name: 'steps', version, params: z.object({}),
    build: () => pipeline({ name: 'steps', stages: stages.map(name => ({ name, member: 'waits' })) }),
    migrate: (snapshot, { version: from }) => {
      expect(from).toBe('1')
      return snapshot
    },
  }).create({})
  const waits = setup({ types: { events: {} as { type: 'GO' } } }).createMachine({ initial: 'on', states: { on: { on: { GO: 'end' } }, end: { type: 'final' } }, output: 'ok' })
  await using world = await createTestWorld({ machines: { steps: steps('1', 'one'), waits } })
  await world.runtime.actor('steps', '1').start({ task: 'x' })
  await world.settle()
  await world.crash()
  await world.restart({ machines: { steps: steps('2', 'one', 'two'), waits } })
  for (let stage = 1; stage <= 2; stage++) {
    const [member] = (await world.runtime.actors({ machine: 'waits', status: 'active' })).actors
    await world.runtime.at(member?.address ?? '').send({ type: 'GO' })
    await world.settle()
  }
  expect(await world.runtime.actor('steps', '1').result()).toMatchObject({ status: 'done', members: [{ member: 'one' }, { member: 'two' }] })
})
