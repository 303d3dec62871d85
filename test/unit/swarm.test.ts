import { SimulatedClock, createActor, setup, spawnChild } from 'xstate'
import type { ActorRefFrom } from 'xstate'
import { expect, test } from 'vitest'
import type { PeerStep, PeerView, SwarmOptions } from '../../patterns/index.ts'
import { swarm, swarmCell } from '../../patterns/index.ts'
import { diff } from '../../src/core/delta.ts'
import type { Op } from '../../src/core/delta.ts'
import { createBorder } from '../../src/core/json.ts'
import { neighboursIn } from '../../patterns/swarm/neighbourhood.ts'

/** Lets a swarm in process take its rounds. */
function run<TState>(options: SwarmOptions<TState>, task?: unknown) {
  const clock = new SimulatedClock()
  const actor = createActor(swarm(options), { clock, input: { task } }).start()
  for (let turn = 0; turn < 2_000 && actor.getSnapshot().status === 'active'; turn++) clock.increment(1)
  const { output, context, status } = actor.getSnapshot()
  if (!output) throw new Error(`the swarm is ${status} in round ${context.round}`)
  return output
}

const best = { peers: 30, name: 'best', init: (id: number) => id, rule: largest, collect: true } as const

/** Each peer takes the largest number it has heard of and passes on what was new to it. */
function largest({ round, state, messages }: PeerView<number>): PeerStep<number> | undefined {
  const next = Math.max(state, ...messages.map(({ body }) => body as number))
  return round === 0 || next > state ? { state: next, send: [{ to: 'neighbours', body: next }] } : undefined
}

test.each(['ring', 'grid', 'all', { random: 4 }] as const)('peers that pass on the largest number all know it in the end: %o', neighbourhood => {
  const { status, output } = run({ ...best, neighbourhood })
  expect(status).toBe('done')
  expect(output?.ended).toBe('quiescent')
  expect(new Set(output?.states)).toEqual(new Set([29]))
})

test('a swarm comes to the same end however its peers are shared out over cells', () => {
  const ends = [1, 7, 30].map(peersPerCellMax => run({ ...best, neighbourhood: { random: 3 }, limits: { peersPerCellMax } }).output)
  expect(ends[1]).toEqual(ends[0])
  expect(ends[2]).toEqual(ends[0])
})

test('the seed alone decides what peers draw', () => {
  const drawing = (seed: number) => run({ name: 'draw', peers: 5, seed, collect: true, rule: (_, random) => ({ state: random() }) }).output?.states
  expect(drawing(1)).toEqual(drawing(1))
  expect(drawing(1)).not.toEqual(drawing(2))
  expect(new Set(drawing(1)).size).toBe(5)
})

test('a write wakes those who are subscribed to its topic, and nobody else', () => {
  const { output } = run({
    name: 'topics', peers: 4, collect: true, topics: peer => [`to/${peer}`], limits: { peersPerCellMax: 2 },
    rule: ({ id, round, board }) => (round === 0 ? (id === 0 ? { write: [{ topic: 'to/3', value: 'hello' }] } : undefined) : { state: board }),
  })
  expect(output?.states).toEqual([null, null, null, { 'to/3': { value: 'hello', version: 1, by: 0 } }])
  expect(output?.steps).toBe(5)
})

test('a swarm with more messages between its cells than its checkpoint is for has failed at once', () => {
  const { status, reason, output } = run({ ...best, neighbourhood: 'all', limits: { peersPerCellMax: 10, lettersMax: 300 } })
  expect([status, reason]).toEqual(['failed', 'its peers have more than 300 messages for other cells in round 0, the limit lettersMax'])
  expect(output?.ended).toBe('failure')
  expect(run({ ...best, neighbourhood: 'all', limits: { peersPerCellMax: 10, lettersMax: 600 } }).status).toBe('done')
})

test('of writes of an expected version the first wins, merged writes all count', () => {
  const rule = ({ id, round }: PeerView): PeerStep | undefined => (round === 0 ? { write: [{ topic: 'leader', value: id, ifVersion: 0 }, { topic: 'count', value: 1 }] } : undefined)
  const { output } = run({ name: 'writes', peers: 10, rule, merge: (current, proposed) => (current as number) + (proposed as number), limits: { peersPerCellMax: 3 } })
  expect(output?.board['leader']).toEqual({ value: 0, version: 1, by: 0 })
  expect(output?.board['count']?.value).toBe(10)
  expect(output?.refused).toBe(9)
})

test('what goes to strangers, over a limit or under a name that is no topic is refused and counted', () => {
  const { output, status } = run({
    name: 'bounds', peers: 10, limits: { sendsMax: 3, topicsMax: 1, valueCharsMax: 10 },
    rule: ({ id, round }) => {
      if (round > 0 || id !== 0) return undefined
      const topics = ['a', 'b', '__proto__', 'constructor', ''].map(topic => ({ topic, value: 1 }))
      return { send: [{ to: 5, body: 1 }, { to: 1, body: 1 }, { to: 9, body: 1 }, { to: 1, body: 2 }], write: [...topics, { topic: 'a', value: 'much too long' }] }
    },
  })
  expect(status).toBe('done')
  expect(output).toMatchObject({ messages: 2, refused: 2 + 1 + 3 + 1 })
  expect(Object.keys(output?.board ?? {})).toEqual(['a'])
})

test('a swarm ends when it has what it wanted, and has failed when it comes to rest without', () => {
  const rule = ({ round }: PeerView): PeerStep => ({ again: round < 3, write: [{ topic: 'round', value: round }] })
  const at = (wanted: number) => run({ name: 'until', peers: 3, topics: [], rule, until: board => board['round']?.value === wanted })
  expect(at(2)).toMatchObject({ status: 'done', output: { ended: 'agreed', rounds: 3 } })
  expect(at(9)).toMatchObject({ status: 'failed', output: { ended: 'quiescent', rounds: 4 }, reason: expect.stringContaining('was not found') as string })
})

test('a swarm that never rests ends by its rounds or its time', () => {
  const restless = { name: 'restless', peers: 3, rule: () => ({ again: true }) }
  expect(run({ ...restless, limits: { roundsMax: 7 } })).toMatchObject({ status: 'done', output: { ended: 'rounds', rounds: 7 } })
  expect(run({ ...restless, limits: { swarmTimeoutMs: 20 } })).toMatchObject({ status: 'timeout', output: { ended: 'time' } })
})

test('a swarm that is called off says what there was', () => {
  const actor = createActor(swarm({ ...best, rule: () => ({ again: true }) }), { clock: new SimulatedClock(), input: {} }).start()
  actor.send({ type: 'CANCEL' })
  expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: { status: 'cancelled', output: { ended: 'cancelled', rounds: 0, steps: 0 } } })
})

test('a peer whose rule throws is out, and the others go on; or the whole has failed', () => {
  const rule = ({ id, round, state }: PeerView<number>): PeerStep<number> => {
    if (id === 1) throw new Error('no idea')
    return { state: state + 1, again: round < 2 }
  }
  const options = { name: 'weak', peers: 3, init: () => 0, rule, collect: true }
  const skipped = run(options)
  expect(skipped).toMatchObject({ status: 'done', output: { states: [3, 0, 3] } })
  expect(skipped.members).toMatchObject([{ member: 'cell-0', status: 'done', output: { failed: { 1: 'no idea' } } }])
  expect(run({ ...options, onFailure: 'fail' })).toMatchObject({ status: 'failed', output: { ended: 'failure', rounds: 1 } })
})

test('a cell that throws or is silent is lost, and the others go on; or the whole has failed', () => {
  const init = (id: number): number => {
    if (id === 15) throw new Error('no such peer')
    return id
  }
  const thrown = run({ ...best, init, limits: { peersPerCellMax: 10 } })
  expect(thrown).toMatchObject({ status: 'done', members: [{ status: 'done' }, { member: 'cell-1', status: 'failed', reason: 'no such peer' }, { status: 'done' }] })
  expect(thrown.output?.states?.slice(9, 21)).toEqual([29, ...Array.from({ length: 10 }, () => null), 29])
  expect(run({ ...best, init, limits: { peersPerCellMax: 10 }, onFailure: 'fail' })).toMatchObject({ status: 'failed', reason: '0 peers have failed, 1 cells were lost' })
  const silent = setup({}).createMachine({})
  expect(run({ name: 'silent', peers: 2, member: silent, limits: { roundTimeoutMs: 50 } })).toMatchObject({ status: 'failed', members: [{ reason: 'it took longer than 50 ms for round 0' }] })
})

test('members are peers as well: their outputs are their steps, at most so many work at once', () => {
  let working = 0
  let most = 0
  const member = setup({ types: { input: {} as { readonly task: PeerView<number> }, context: {} as PeerView<number> }, delays: { thought: 1 } }).createMachine({
    context: ({ input }) => input.task,
    entry: () => (most = Math.max(most, ++working)),
    initial: 'thinking',
    states: { thinking: { after: { thought: 'done' } }, done: { type: 'final' } },
    exit: () => working--,
    output: ({ context }) => (context.id === 2 ? { write: 'nonsense' } : (largest(context) ?? {})),
  })
  const { status, output, members } = run({ name: 'crew', peers: 6, init: id => id, member, collect: true, limits: { concurrencyMax: 2 } })
  expect(status).toBe('done')
  expect(most).toBe(2)
  expect(output?.states).toEqual([5, 5, 2, 5, 5, 5])
  expect(members).toMatchObject([{ output: { failed: { 2: expect.stringContaining('its output is not valid') as string } } }])
})

test('a swarm that is too deep in other patterns, as one that is its own peer, has failed', () => {
  const actor = createActor(swarm({ ...best, limits: { depthMax: 3 } }), { input: { depth: 4 } }).start()
  expect(actor.getSnapshot().output).toMatchObject({ status: 'failed', reason: 'it is 4 patterns deep, the limit depthMax is 3: is there a cycle?', output: { steps: 0 } })
})

test('10,000 peers in a square are 10,000 peers, and a swarm of too many or of none is refused', () => {
  expect(neighboursIn('grid', 10_000, 1).of(101)).toEqual([1, 100, 102, 201])
  expect(run({ ...best, peers: 10_000, neighbourhood: { random: 5 }, collect: false }).output?.ended).toBe('quiescent')
  expect(() => swarm({ ...best, peers: 100_001 })).toThrow(/100001 peers are more than limits.peersMax/)
  expect(() => swarm({ ...best, peers: 0 })).toThrow(/peers must be a whole number/)
  expect(() => swarm({ ...best, limits: { rounds: 3 } as never })).toThrow(/limits.rounds is not a limit/)
})

test('a round costs the checkpoint of a cell what its peers have changed, not what they are', () => {
  const heavy = swarmCell({ name: 'heavy', peers: 200, init: () => ({ best: 0, burden: 'x'.repeat(1_000) }), rule: ({ id, round, state }) => (id === 7 ? { state: { ...state, best: round } } : undefined) })
  const parent = setup({ actors: { heavy } }).createMachine({ entry: spawnChild('heavy', { id: 'cell', input: { cell: 0, from: 0, count: 200, task: null, depth: 1 } }) })
  const { cell } = createActor(parent).start().getSnapshot().children as { cell: ActorRefFrom<typeof heavy> }
  const before = cell.getSnapshot().context
  cell.send({ type: 'swarm.round', round: 0, mail: [], changed: {} })
  const ops: Op[] = []
  cell.send({ type: 'swarm.round', round: 1, mail: [{ from: 6, to: 7, body: 1 }], changed: {} })
  diff(before, cell.getSnapshot().context, [], ops, createBorder('context/unserializable', 64, true))
  expect(cell.getSnapshot().context.states[7]).toMatchObject({ best: 1 })
  expect(JSON.stringify(ops).length).toBeLessThan(200)
})
