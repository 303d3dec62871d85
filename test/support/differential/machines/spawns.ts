import fc from 'fast-check'
import { assign, emit, enqueueActions, fromPromise, fromTransition, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import type { ActorRefFrom, AnyActorRef, SnapshotFrom } from 'xstate'
import { numbered, oneOf } from '../subject.ts'
import type { Subject, TestEvent, Trail } from '../subject.ts'

interface Context extends Trail {
  readonly n: number
}
const empty: Context = { trail: [], n: 0 }
const types = {} as { context: Context; events: TestEvent; tags: string; emitted: { type: string; n?: number } }
const say = (params: string) => ({ type: 'note', params }) as const

const worker = setup({ types: { ...types, input: {} as { readonly n: number } }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'worker',
  context: ({ input }) => ({ trail: [], n: input.n }),
  initial: 'busy',
  states: {
    busy: { after: { 100: { target: 'ended', actions: sendParent(({ context }) => ({ type: 'REPORT', n: context.n })) } }, on: { HURRY: 'ended', WORK: { actions: assign({ n: ({ context, event }) => context.n + (event.n ?? 0) }) } } },
    ended: { type: 'final' },
  },
  output: ({ context }) => context.n,
})

const crew = setup({ types, actors: { worker }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'crew',
  context: empty,
  on: {
    HIRE: { actions: enqueueActions(({ enqueue, context, self }) => {
      const id = `w${context.n % 3}`
      if (self.getSnapshot().children[id]) enqueue(stopChild(id))
      enqueue(spawnChild('worker', { id, input: { n: context.n } }))
      enqueue.assign({ n: context.n + 1 })
    }) },
    FIRE: { actions: stopChild(({ event }) => `w${event.n ?? 0}`) },
    HURRY: { actions: enqueueActions(({ enqueue, event, self }) => {
      const id = `w${event.n ?? 0}`
      if (self.getSnapshot().children[id]) enqueue.sendTo(id, { type: 'HURRY' })
    }) },
    REPORT: { actions: { type: 'note', params: ({ event }) => `report ${event.n}` } },
    'xstate.done.actor.*': { actions: [{ type: 'note', params: ({ event }) => `${event.type} ${(event as unknown as { readonly output: number }).output}` }, enqueueActions(({ enqueue, event }) => enqueue.stopChild((event as unknown as { readonly actorId: string }).actorId))] },
  },
})

const byFunction = setup({ types, actors: { worker }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'by-function',
  context: empty,
  on: {
    HIRE: { actions: [spawnChild('worker', { id: ({ context }) => `w${context.n}`, input: ({ context, event }) => ({ n: context.n * 10 + (event.n ?? 0) }) }), assign({ n: ({ context }) => context.n + 1 })] },
    REPORT: { actions: { type: 'note', params: ({ event }) => `report ${event.n}` } },
    WORK: { actions: enqueueActions(({ enqueue, event, self }) => {
      for (const id of Object.keys(self.getSnapshot().children)) enqueue.sendTo(id, event)
    }) },
  },
})

interface Team {
  readonly members: readonly ActorRefFrom<typeof worker>[]
  readonly lead: ActorRefFrom<typeof worker> | null
  readonly n: number
  readonly reports: readonly number[]
}
const team = setup({ types: { ...types, context: {} as Team }, actors: { worker } }).createMachine({
  id: 'team',
  context: ({ spawn }) => ({ members: [], lead: spawn('worker', { id: 'lead', input: { n: 100 } }), n: 0, reports: [] }),
  on: {
    HIRE: { actions: assign({ members: ({ context, spawn }) => [...context.members, spawn('worker', { id: `m${context.n}`, input: { n: context.n } })], n: ({ context }) => context.n + 1 }) },
    WORK: { guard: ({ context }) => context.members.length > 0, actions: sendTo(({ context, event }) => context.members[(event.n ?? 0) % context.members.length] as AnyActorRef, ({ event }) => ({ type: 'WORK', n: event.n ?? 0 })) },
    LEAD: { guard: ({ context }) => context.lead !== null, actions: sendTo(({ context }) => context.lead as AnyActorRef, { type: 'WORK', n: 1 }, { delay: 30 }) },
    FIRE: { guard: ({ context }) => context.members.length > 0, actions: [stopChild(({ context }) => context.members[0] as AnyActorRef), assign({ members: ({ context }) => context.members.slice(1) })] },
    FIRE_LEAD: { guard: ({ context }) => context.lead !== null, actions: [stopChild(({ context }) => context.lead as AnyActorRef), assign({ lead: null })] },
    REPORT: { actions: assign({ reports: ({ context, event }) => [...context.reports, event.n ?? 0] }) },
  },
})

const register = setup({ types, actors: { worker }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'register',
  context: empty,
  initial: 'open',
  states: {
    open: { invoke: { id: 'clerk', src: 'worker', systemId: 'the clerk', input: { n: 1 } }, on: { TELL: { actions: sendTo(({ system }) => system.get('the clerk') as AnyActorRef, ({ event }) => ({ type: 'WORK', n: event.n ?? 0 })) }, CLOSE: 'closed', AGAIN: { target: 'open', reenter: true } } },
    closed: { entry: spawnChild('worker', { id: 'night', systemId: 'the clerk', input: { n: 50 } }), exit: stopChild('night'), on: { OPEN: 'open', TELL: { actions: enqueueActions(({ enqueue, system, event }) => {
      const clerk = system.get('the clerk') as AnyActorRef | undefined
      if (clerk) enqueue.sendTo(clerk, { type: 'WORK', n: event.n ?? 0 })
      else enqueue(say('nobody'))
    }) } } },
  },
  on: { REPORT: { actions: { type: 'note', params: ({ event }) => `report ${event.n}` } } },
})

const sum = fromTransition((state: number, event: TestEvent) => state + (event.n ?? 0), 0)
const watcher = setup({ types: { ...types, context: {} as { readonly seen: readonly unknown[] } }, actors: { worker, sum, quick: fromPromise(async ({ input }: { input: number }) => input + 1) } }).createMachine({
  id: 'watcher',
  context: { seen: [] },
  entry: [spawnChild('sum', { id: 'sum', syncSnapshot: true }), spawnChild('worker', { id: 'worker', syncSnapshot: true, input: { n: 0 } })],
  on: {
    ADD: { actions: [sendTo('sum', ({ event }) => event), sendTo('worker', ({ event }) => ({ type: 'WORK', n: event.n ?? 0 }))] },
    QUICK: { actions: [stopChild('quick'), spawnChild('quick', { id: 'quick', syncSnapshot: true, input: ({ event }) => event.n ?? 0 })] },
    'xstate.snapshot.sum': { actions: assign({ seen: ({ context, event }) => [...context.seen, (event as unknown as { readonly snapshot: SnapshotFrom<typeof sum> }).snapshot.context] }) },
    'xstate.snapshot.worker': { actions: assign({ seen: ({ context, event }) => [...context.seen, (event as unknown as { readonly snapshot: SnapshotFrom<typeof worker> }).snapshot.context.n] }) },
    'xstate.done.actor.*': { actions: assign({ seen: ({ context, event }) => [...context.seen, { type: event.type, output: (event as unknown as { readonly output: unknown }).output ?? null }] }) },
    REPORT: {},
  },
})

/** The documented way to talk to a parent without `sendParent`: its reference as input. */
const reporter = setup({ types: { ...types, context: {} as { readonly boss: AnyActorRef; readonly n: number }, input: {} as { readonly boss: AnyActorRef } } }).createMachine({
  id: 'reporter',
  context: ({ input }) => ({ boss: input.boss, n: 0 }),
  on: { WORK: { actions: [assign({ n: ({ context }) => context.n + 1 }), sendTo(({ context }) => context.boss, ({ context }) => ({ type: 'REPORT', n: context.n }))] } },
  after: { 70: { actions: sendTo(({ context }) => context.boss, { type: 'REPORT', n: -1 }) } },
})

const boss = setup({ types, actors: { reporter }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'boss',
  context: empty,
  invoke: { id: 'reporter', src: 'reporter', input: ({ self }) => ({ boss: self }) },
  on: { WORK: { actions: sendTo('reporter', { type: 'WORK' }) }, REPORT: { actions: { type: 'note', params: ({ event }) => `report ${event.n}` } } },
})

/** Actors that introduce themselves, keep the reference and answer to it. */
interface Caller {
  readonly peer: AnyActorRef | null
  readonly n: number
}
type PeerEvent = TestEvent & { readonly peer?: AnyActorRef }
const caller = setup({ types: { context: {} as Caller, events: {} as PeerEvent } }).createMachine({
  id: 'caller',
  context: { peer: null, n: 0 },
  entry: sendParent(({ self }) => ({ type: 'HELLO', peer: self })),
  on: {
    MEET: { actions: assign({ peer: ({ event }) => event.peer ?? null }) },
    BALL: [{ guard: ({ event }) => (event.n ?? 0) <= 0, actions: assign({ n: ({ context }) => context.n + 10 }) }, { guard: ({ context }) => context.peer !== null, actions: [assign({ n: ({ context }) => context.n + 1 }), sendTo(({ context }) => context.peer as AnyActorRef, ({ event }) => ({ type: 'BALL', n: (event.n ?? 0) - 1 }))] }],
  },
})

const pair = setup({ types: { context: {} as { readonly peers: readonly AnyActorRef[]; readonly hellos: number }, events: {} as PeerEvent }, actors: { caller } }).createMachine({
  id: 'pair',
  context: { peers: [], hellos: 0 },
  entry: [spawnChild('caller', { id: 'ping' }), spawnChild('caller', { id: 'pong' })],
  on: {
    HELLO: { actions: assign({ peers: ({ context, event }) => [...context.peers, event.peer as AnyActorRef], hellos: ({ context }) => context.hellos + 1 }) },
    CONNECT: { actions: [sendTo('ping', ({ context }) => ({ type: 'MEET', peer: context.peers[1] })), sendTo('pong', ({ context }) => ({ type: 'MEET', peer: context.peers[0] }))] },
    BALL: { actions: sendTo(({ context }) => context.peers[0] as AnyActorRef, ({ event }) => event) },
    LATER: { actions: sendTo('pong', ({ context }) => ({ type: 'MEET', peer: context.peers[0] }), { delay: 20 }) },
  },
})

/** Delayed events to children that are stopped or replaced before they arrive. */
const postman = setup({ types, actors: { worker }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'postman',
  context: empty,
  initial: 'here',
  states: {
    here: { entry: spawnChild('worker', { id: 'w', input: ({ context }) => ({ n: context.n }) }), exit: stopChild('w'), on: { MOVE: 'here', AGAIN: { target: 'here', reenter: true, actions: assign({ n: ({ context }) => context.n + 1 }) }, AWAY: 'away', POST: { actions: sendTo('w', ({ event }) => ({ type: 'WORK', n: event.n ?? 0 }), { delay: ({ event }) => 10 * (event.n ?? 0), id: 'letter' }) }, POST_MANY: { actions: sendTo('w', { type: 'WORK', n: 1 }, { delay: 45 }) } } },
    away: { on: { BACK: 'here' } },
  },
  on: { REPORT: { actions: { type: 'note', params: ({ event }) => `report ${event.n}` } }, RECALL: { actions: enqueueActions(({ enqueue }) => enqueue.cancel('letter')) } },
})

const town = setup({ types, actors: { crew, team, register }, actions: { note: assign({ trail: ({ context }, text: string) => [...context.trail, text] }) } }).createMachine({
  id: 'town',
  context: empty,
  initial: 'day',
  states: {
    day: { invoke: [{ id: 'crew', src: 'crew' }, { id: 'team', src: 'team' }], after: { 250: { target: 'night', actions: emit({ type: 'night' }) } } },
    night: { invoke: { id: 'register', src: 'register' }, after: { 150: 'day' } },
  },
  on: { HIRE: { actions: enqueueActions(({ enqueue, self, event }) => {
    for (const id of Object.keys(self.getSnapshot().children)) enqueue.sendTo(id, event)
  }) } },
})

export const spawnSubjects: readonly Subject[] = [
  { name: 'crew', machine: crew, events: fc.oneof(oneOf('HIRE'), numbered(3, 'FIRE', 'HURRY')), features: ['spawnChild', 'stopChild', 'enqueueActions', 'partial wildcard events', 'sendParent'] },
  { name: 'ids by function', machine: byFunction, events: fc.oneof(numbered(5, 'HIRE', 'WORK')), features: ['spawn: id by function', 'spawnChild', 'output'] },
  { name: 'team of references', machine: team, events: fc.oneof(oneOf('HIRE', 'LEAD', 'FIRE', 'FIRE_LEAD'), numbered(4, 'WORK')), features: ['spawn in assign', 'actor refs in context', 'context: spawn in factory', 'sendTo: target by function', 'sendTo: delayed', 'stopChild'] },
  { name: 'register of system ids', machine: register, events: fc.oneof(numbered(5, 'TELL'), oneOf('CLOSE', 'OPEN', 'AGAIN')), features: ['systemId', 'sendTo: target by function'] },
  { name: 'watcher of snapshots', machine: watcher, events: numbered(3, 'ADD', 'QUICK'), features: ['spawn: syncSnapshot', 'spawnChild'], racy: true },
  { name: 'boss given as input', machine: boss, events: oneOf('WORK'), features: ['actor refs in input', 'invoke: machine'] },
  { name: 'peers that introduce themselves', machine: pair, events: fc.oneof(numbered(5, 'BALL'), oneOf('CONNECT', 'LATER')), features: ['actor refs in events', 'actor refs in context', 'sendTo: target by function'] },
  { name: 'letters to children that moved', machine: postman, events: fc.oneof(numbered(8, 'POST'), oneOf('MOVE', 'AGAIN', 'AWAY', 'BACK', 'RECALL', 'POST_MANY')), features: ['sendTo: delayed', 'cancel', 'stopChild', 'reenter'], racy: true },
  { name: 'town', machine: town, events: oneOf('HIRE', 'ELSE'), features: ['invoke: machine two deep', 'invoke: several at once', 'emit'] },
]
