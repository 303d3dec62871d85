import type { Caller, Client, Runtime } from 'troupe'
import { describe, expect, test } from 'vitest'
import type { clientMachines } from './client-machines.ts'

/** A runtime of `clientMachines`, and a client that speaks to it: in process, or over HTTP. */
export interface ClientWorld extends AsyncDisposable {
  readonly runtime: Runtime<typeof clientMachines>
  /** Default caller: nobody in particular, as admin. */
  client(caller?: Caller): Client
}

type Address = { readonly address: string }

/** What every client must do, whatever lies between it and the runtime. */
export function clientConformance(name: string, open: () => Promise<ClientWorld>): void {
  const withClient = (what: string, run: (client: Client, world: ClientWorld) => Promise<void>): void => {
    test(what, async () => {
      await using world = await open()
      await run(world.client(), world)
    })
  }
  describe(`the client ${name}`, () => {
    actors(withClient)
    histories(withClient)
    streams(withClient)
    letters(withClient)
    approvals(withClient)
    many(withClient)
    wholes(withClient)
    system(withClient)
    refusals(withClient)
  })
}

type WithClient = (what: string, run: (client: Client, world: ClientWorld) => Promise<void>) => void

/** Waits until something holds that the runtime brings about by itself. */
const until = <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => expect.poll(read, { timeout: 10_000, interval: 5 }).toSatisfy(holds).then(read)

const started = (client: Client, machine: string, key: string, input?: unknown): Promise<Address> => client.startActor({ machine, key, ...(input !== undefined && { input: input as never }) })

const gone = async (client: Client, key: string): Promise<Address> => {
  const actor = await started(client, 'order', key)
  await client.sendEvent({ ...actor, event: { type: 'PAY', cents: 100 } })
  await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
  await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
  return actor
}

function actors(withClient: WithClient): void {
  withClient('starts, tells, asks and ends an actor', async client => {
    const actor = await started(client, 'order', 'a/1', { n: 4 })
    expect(actor).toEqual({ address: 'order/a/1' })
    expect(await client.snapshot(actor)).toMatchObject({ address: 'order/a/1', machine: 'order', key: 'a/1', run: 'order/a/1', parent: null, seq: 1, lastSeq: 1, status: 'active', value: 'waiting', states: ['waiting'], tags: ['open'], context: { n: 4 }, error: null, failure: null, timers: [{ source: '', target: '' }], tasks: [], children: [] })
    expect(await client.sendEvent({ ...actor, event: { type: 'FIX' } })).toEqual({ accepted: true })
    const asked = await client.askActor({ ...actor, event: { type: 'PAY', cents: 100 } })
    expect(asked).toMatchObject({ value: 'charging', context: { n: 0 }, children: [{ path: '/charge', src: 'charge', kind: 'task', status: 'active', address: null }], tasks: [{ path: '/charge', name: 'charge', attempt: 1, input: 0 }] })
    await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
    await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
    expect(await client.result(actor)).toEqual({ output: { n: 0 } })
    expect(await client.snapshot(actor)).toMatchObject({ status: 'done', value: 'gone', output: { n: 0 } })
  })

  withClient('the same start with one idempotency key is one actor, and so is the same fork; an event counts once', async client => {
    const input = { machine: 'order', input: { n: 1 }, idempotencyKey: 'once' }
    const actor = await client.startActor(input)
    expect(await client.startActor(input)).toEqual(actor)
    await expect(client.startActor({ ...input, input: { n: 2 } })).rejects.toMatchObject({ code: 'actor/exists' })
    const pay = { ...actor, event: { type: 'FIX' }, idempotencyKey: 'p' }
    await client.sendEvent(pay)
    await client.sendEvent(pay)
    expect((await client.snapshot(actor)).seq).toBe(2)
    const fork = await client.forkActor({ ...actor, seq: 1, idempotencyKey: 'f' })
    expect(await client.forkActor({ ...actor, seq: 1, idempotencyKey: 'f' })).toEqual(fork)
    expect(await client.forkActor({ ...actor, seq: 2, idempotencyKey: 'f' })).not.toEqual(fork)
    expect(await client.snapshot(fork)).toMatchObject({ context: { n: 1 }, value: 'waiting' })
  })

  withClient('pauses, resumes, cancels and stops; each answers with the step', async client => {
    const actor = await started(client, 'order', '1')
    expect(await client.pauseActor(actor)).toEqual({ ...actor, seq: 2 })
    await client.sendEvent({ ...actor, event: { type: 'FIX' } })
    expect(await client.snapshot(actor)).toMatchObject({ status: 'paused', waiting: 1, context: { n: 0 } })
    await client.resumeActor(actor)
    await until(() => client.snapshot(actor), ({ context }) => (context as { n: number }).n === -1)
    expect((await client.cancelActor({ ...actor, graceMs: 0 })).address).toBe('order/1')
    expect((await client.snapshot(actor)).status).toBe('cancelled')
    const other = await started(client, 'order', '2')
    await client.stopActor(other)
    expect((await client.snapshot(other)).status).toBe('stopped')
    await expect(client.sendEvent({ ...other, event: { type: 'FIX' } })).rejects.toMatchObject({ code: 'actor/ended', address: 'order/2' })
    await expect(client.result({ ...other, timeoutMs: 100 })).rejects.toMatchObject({ code: 'actor/ended' })
    await expect(client.result({ ...(await started(client, 'order', '3')), timeoutMs: 1 })).rejects.toMatchObject({ code: 'ask/timeout' })
  })

  withClient('shows typed arrays and errors as the store writes them', async client => {
    const { context } = await client.snapshot(await started(client, 'odd', '1'))
    expect(context).toMatchObject({ vector: { $troupe: 'Float32Array', base64: 'AACAPwAAAEA=' }, error: { $troupe: 'Error', info: { name: 'TypeError', message: 'odd' } } })
  })

  withClient('tells which events are legal, and why others are not', async client => {
    const actor = await started(client, 'order', '1')
    const { events } = await client.listEvents(actor)
    expect(events.map(({ type }) => type)).toEqual(['BREAK', 'FIX', 'PAY', 'SHIP'])
    expect(events[2]).toMatchObject({ type: 'PAY', legal: true, guarded: true, reason: null, handledIn: ['waiting'], jsonSchema: { type: 'object', required: ['type', 'cents'] } })
    expect(events[3]).toEqual({ type: 'SHIP', legal: false, guarded: false, reason: 'it is handled in ready; active is waiting', handledIn: ['ready'], jsonSchema: null })
    await client.stopActor(actor)
    expect((await client.listEvents(actor)).events.map(({ legal, reason }) => ({ legal, reason }))).toEqual(Array.from({ length: 4 }, () => ({ legal: false, reason: 'the actor is stopped' })))
  })

  withClient('shows durable children as links, and lists what is pending actor by actor', async client => {
    const actor = await started(client, 'parent', '1')
    const { children, timers } = await client.snapshot(actor)
    expect(children).toMatchObject([{ path: '/child', src: 'order', kind: 'remote', status: 'active', address: expect.stringMatching(/^order\/parent\/1>/) }])
    expect(timers).toMatchObject([{ id: 'beep', event: 'BEEP' }])
    const child = { address: children[0]?.address ?? '' }
    await until(() => client.listActors({ run: actor.address }), page => page.actors.length === 2)
    expect(await client.snapshot(child)).toMatchObject({ parent: 'parent/1', run: 'parent/1', context: { n: 5 } })
    const pending = await client.pending({ run: actor.address })
    expect(pending.timers.map(({ address }) => address).toSorted()).toEqual([child.address, 'parent/1'].toSorted())
    expect((await client.pending({ run: actor.address, kind: 'tasks' })).timers).toEqual([])
  })
}

function histories(withClient: WithClient): void {
  withClient('pages through the history, each step with the state after it, and shows past states', async client => {
    const actor = await gone(client, '1')
    await client.result(actor)
    const whole = await client.history({ ...actor, full: true })
    expect(whole.steps.map(({ seq }) => seq)).toEqual(Array.from({ length: whole.lastSeq }, (_, index) => index + 1))
    expect(whole.steps[1]).toMatchObject({ kind: 'event', event: { type: 'PAY', cents: 100 }, states: ['charging'], value: 'charging', context: { n: 1 }, status: 'active' })
    expect(whole.steps.at(-1)).toMatchObject({ status: 'done', output: { n: 1 } })
    const pages = [await client.history({ ...actor, limit: 2 }), await client.history({ ...actor, from: 2, limit: 100 })]
    expect(pages.flatMap(({ steps }) => steps.map(({ seq }) => seq))).toEqual(whole.steps.map(({ seq }) => seq))
    expect(pages[0]?.steps[0]).not.toHaveProperty('context')
    expect(await client.snapshot({ ...actor, at: 1 })).toMatchObject({ seq: 1, lastSeq: whole.lastSeq, value: 'waiting', status: 'active', context: { n: 0 } })
    await expect(client.snapshot({ ...actor, at: 99 })).rejects.toMatchObject({ code: 'config/invalid' })
  })
}

function streams(withClient: WithClient): void {
  withClient('watches one actor from a step on until it ends', async client => {
    const actor = await started(client, 'order', '1')
    const seen: number[] = []
    const watching = (async () => {
      for await (const item of client.watch({ ...actor, from: 0 })) if (item.type === 'step') seen.push(item.step.seq)
    })()
    await client.sendEvent({ ...actor, event: { type: 'PAY', cents: 100 } })
    await until(() => client.snapshot(actor), ({ value }) => value === 'ready')
    await client.sendEvent({ ...actor, event: { type: 'SHIP' } })
    await watching
    expect(seen).toEqual(Array.from({ length: (await client.snapshot(actor)).lastSeq }, (_, index) => index + 1))
  })

  withClient('lets go of a watch that is left while nothing happens', async client => {
    const actor = await started(client, 'order', '1')
    const leave = new AbortController()
    const left = (async () => {
      for await (const _ of client.watch(actor, { signal: leave.signal }));
    })().catch(() => undefined)
    leave.abort()
    await left
    const watch = client.watch({ ...actor, from: 0 })[Symbol.asyncIterator]()
    expect((await watch.next()).value).toMatchObject({ type: 'step', step: { seq: 1 } })
    const waiting = watch.next()
    waiting.catch(() => undefined)
    await watch.return?.()
  })

  withClient('refuses to watch what is not there', async client => {
    await expect(client.watch({ address: 'order/none' })[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'actor/unknown' })
  })
}

function letters(withClient: WithClient): void {
  withClient('lists dead letters, replays and discards them', async client => {
    const actor = await started(client, 'calm', '1')
    for (let count = 0; count < 3; count++) await client.askActor({ ...actor, event: { type: 'BREAK', count } }).catch(() => undefined)
    const { letters: page, cursor } = await client.listDeadLetters({ ...actor, limit: 2 })
    expect(page).toMatchObject([{ address: 'calm/1', state: 'present', kind: 'event', event: { type: 'BREAK', count: 0 }, cause: { message: 'broken' } }, { event: { count: 1 } }])
    expect((await client.listDeadLetters({ limit: 2, cursor: cursor ?? '' })).letters).toMatchObject([{ event: { count: 2 } }])
    const [first, second] = page.map(({ id }) => ({ id })) as [{ id: string }, { id: string }]
    expect(await client.deadLetter(first)).toEqual(page[0])
    await expect(client.replayDeadLetter(first)).rejects.toMatchObject({ code: 'event/poisoned' })
    expect((await client.deadLetter(first)).state).toBe('replayed')
    expect(await client.discardDeadLetter({ ...second, reason: 'no' })).toMatchObject({ state: 'discarded', reason: 'no' })
    await expect(client.discardDeadLetter(second)).rejects.toMatchObject({ code: 'dead-letter/unknown' })
    await expect(client.deadLetter({ id: 'none' })).rejects.toMatchObject({ code: 'dead-letter/unknown' })
  })

  withClient('handles an edited event in the place of a letter: once, and the letter is resolved with it', async client => {
    const actor = await started(client, 'calm', '1')
    await client.askActor({ ...actor, event: { type: 'BREAK' } }).catch(() => undefined)
    const [letter] = (await client.listDeadLetters(actor)).letters
    const id = letter?.id ?? ''
    for (const event of [{ type: 'PAY', cents: 'x' }, { type: 'xstate.done' }]) await expect(client.replayDeadLetter({ id, event })).rejects.toMatchObject({ code: 'event/invalid' })
    expect((await client.deadLetter({ id })).state).toBe('present')
    expect(await client.replayDeadLetter({ id, event: { type: 'FIX' } })).toMatchObject({ state: 'replayed' })
    expect(await client.snapshot(actor)).toMatchObject({ context: { n: -1 }, status: 'active' })
    expect((await client.listDeadLetters(actor)).letters).toEqual([])
    expect((await client.history(actor)).steps.filter(({ event }) => event?.type === 'FIX')).toHaveLength(1)
  })

  withClient('an edited event that poisons its actor is a letter of its own; one that is refused leaves the letter as it is', async client => {
    const actor = await started(client, 'calm', '1')
    await client.askActor({ ...actor, event: { type: 'BREAK' } }).catch(() => undefined)
    const id = (await client.listDeadLetters(actor)).letters[0]?.id ?? ''
    await expect(client.replayDeadLetter({ id, event: { type: 'BREAK', edited: true } })).rejects.toMatchObject({ code: 'event/poisoned' })
    const [next] = (await client.listDeadLetters(actor)).letters
    expect(next).toMatchObject({ event: { type: 'BREAK', edited: true } })
    await client.stopActor(actor)
    await expect(client.replayDeadLetter({ id: next?.id ?? '', event: { type: 'FIX' } })).rejects.toMatchObject({ code: 'actor/ended' })
    expect((await client.deadLetter({ id: next?.id ?? '' })).state).toBe('present')
  })
}

function approvals(withClient: WithClient): void {
  const inbox = (client: Client) => until(() => client.listApprovals({}), page => page.approvals.length > 0)
  const ann: Caller = { name: 'ann', role: 'operator' }

  withClient('finds a gate deep inside a machine, takes votes there, and the machine goes on', async (client, world) => {
    const actor = await started(client, 'board', '1')
    const { approvals: [gate] } = await inbox(client)
    expect(gate).toMatchObject({ address: 'board/1', run: 'board/1', path: '/committee/gate', title: 'Buy a lamp', subject: { cents: 9_900 }, approvers: ['ann', 'ben'], level: 0, votes: [], dueAt: expect.any(Number) })
    expect((await client.listActors({ tag: 'approval' })).actors.map(({ address }) => address)).toEqual(['board/1'])
    const { id = '', revision = '' } = gate ?? {}
    expect(await client.decide({ id, revision, approve: true, by: 'mallory' })).toEqual({ accepted: false, refused: 'not-an-approver' })
    expect(await client.decide({ id, revision: 'stale', approve: true, by: 'ann' })).toEqual({ accepted: false, refused: expect.stringContaining('revision') })
    expect(await world.client(ann).decide({ id, revision, approve: true, reason: 'fine' })).toEqual({ accepted: true, refused: null })
    expect((await client.listApprovals({})).approvals).toMatchObject([{ votes: [{ by: 'ann', approve: true, reason: 'fine' }] }])
    expect(await world.client(ann).decide({ id, revision, approve: true })).toEqual({ accepted: false, refused: 'answered-already' })
    expect(await client.decide({ id, revision, approve: true, by: 'ben' })).toEqual({ accepted: true, refused: null })
    expect(await client.snapshot(actor)).toMatchObject({ status: 'done', value: 'done', context: { verdict: 'done' }, tags: [] })
    await expect(client.decide({ id, revision, approve: true, by: 'ben' })).rejects.toMatchObject({ code: 'approval/unknown' })
    expect((await client.listApprovals({})).approvals).toEqual([])
  })

  withClient('whoever has a name decides as that one and as nobody else', async (client, world) => {
    await started(client, 'approval', '1', { subject: 'x', levels: [{ approvers: ['ann', 'ben'], timeoutMs: 3_600_000 }] })
    const { id = '', revision = '' } = (await inbox(client)).approvals[0] ?? {}
    await expect(world.client(ann).decide({ id, revision, approve: true, by: 'ben' })).rejects.toMatchObject({ code: 'access/denied' })
    expect((await client.listApprovals({})).approvals).toMatchObject([{ votes: [] }])
    expect(await world.client(ann).decide({ id, revision, approve: false, by: 'ann' })).toEqual({ accepted: true, refused: null })
    expect(await client.result({ address: 'approval/1' })).toMatchObject({ output: { status: 'rejected', output: { votes: [{ by: 'ann', approve: false }] } } })
  })

  withClient('decides on the call of an agent, alone and inside a machine', async client => {
    await started(client, 'clerk', '1', { task: 'pay' })
    await started(client, 'desk', '1')
    const { approvals: open } = await until(() => client.listApprovals({}), page => page.approvals.length === 2)
    expect(open.map(({ address, path }) => `${address}${path}`).toSorted()).toEqual(['clerk/1', 'desk/1/clerk'])
    for (const { id, revision, subject } of open) {
      expect(subject).toEqual({ tool: 'pay', input: { cents: 500 } })
      expect(await client.decide({ id, revision, approve: true, by: 'bob' })).toEqual({ accepted: false, refused: 'bob may not decide on pay' })
      expect(await client.decide({ id, revision, approve: true, by: 'ann' })).toEqual({ accepted: true, refused: null })
    }
    expect(await client.result({ address: 'clerk/1' })).toMatchObject({ output: { status: 'done', output: 'It is paid.' } })
    await until(() => client.snapshot({ address: 'desk/1' }), ({ value }) => value === 'done')
  })

  withClient('shows a call that waits while others run', async client => {
    await started(client, 'busy', '1', { task: 'pay' })
    const { approvals: [open] } = await inbox(client)
    expect(open).toMatchObject({ address: 'busy/1', subject: { tool: 'pay', input: { cents: 7 } } })
    expect((await client.snapshot({ address: 'busy/1' })).tags).toEqual(['approval'])
    expect(await client.decide({ id: open?.id ?? '', revision: open?.revision ?? '', approve: false, by: 'ann' })).toEqual({ accepted: true, refused: null })
    expect((await client.snapshot({ address: 'busy/1' })).tags).toEqual([])
  })

  withClient('takes a decision for a machine that answers nothing, and refuses one on what has changed', async client => {
    const actor = await started(client, 'door', '1')
    const { id = '', revision = '' } = (await inbox(client)).approvals[0] ?? {}
    await client.sendEvent({ ...actor, event: { type: 'PAINT' } })
    expect(await client.decide({ id, revision, approve: true })).toMatchObject({ accepted: false, refused: expect.stringContaining('revision 2') })
    expect(await client.decide({ id, revision: '2', approve: false })).toEqual({ accepted: false, refused: 'the actor has not acted upon it' })
    expect(await client.decide({ id, revision: '2', approve: true })).toEqual({ accepted: true, refused: null })
    expect((await client.snapshot(actor)).value).toBe('open')
  })
}

function many(withClient: WithClient): void {
  withClient('does one thing with all actors of a filter, over more than a page, and tells what failed', async client => {
    const keys = Array.from({ length: 1_050 }, (_, index) => `n-${index}`)
    await Promise.all(keys.map(key => started(client, 'order', key)))
    const filter = { machine: 'order', status: 'active' as const }
    expect(await client.bulk({ filter, action: 'stop', dryRun: true })).toEqual({ matched: 1_050, done: 0, failed: [] })
    await expect(client.bulk({ filter, action: 'stop', expected: 1_049 })).rejects.toMatchObject({ code: 'request/invalid' })
    expect(await client.bulk({ filter, action: 'send', event: { type: 'FIX' }, idempotencyKey: 'b', expected: 1_050 })).toEqual({ matched: 1_050, done: 1_050, failed: [] })
    await client.bulk({ filter, action: 'send', event: { type: 'FIX' }, idempotencyKey: 'b' })
    expect((await client.snapshot({ address: 'order/n-7' })).seq).toBe(2)
    expect(await client.bulk({ filter: { ...filter, text: 'n-1' }, action: 'pause' })).toMatchObject({ matched: 161, done: 161 })
    expect(await client.bulk({ filter, action: 'stop' })).toMatchObject({ matched: 889, done: 889 })
    const { matched, done, failed } = await client.bulk({ filter: { machine: 'order', status: 'stopped' }, action: 'pause' })
    expect([matched, done, failed.length]).toEqual([889, 0, 889])
    expect(failed[0]).toMatchObject({ address: expect.stringMatching(/^order\/n-/), error: { code: 'actor/ended' } })
    await expect(client.bulk({ filter, action: 'send' })).rejects.toMatchObject({ code: 'request/invalid' })
  })

  withClient('pages through actors and through what is pending without leaving any out', async client => {
    await Promise.all(Array.from({ length: 130 }, (_, index) => started(client, 'order', `${index}`)))
    const timers: string[] = []
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const page = await client.pending({ limit: 20, ...(cursor !== undefined && { cursor }) })
      timers.push(...page.timers.map(({ address }) => address))
      cursor = page.cursor
    }
    expect(new Set(timers).size).toBe(130)
    expect(timers).toHaveLength(130)
  })
}

function wholes(withClient: WithClient): void {
  withClient('shows a run as a whole: who told whom what, and how long states and tasks took', async client => {
    const root = await started(client, 'parent', '1')
    const child = { address: (await client.snapshot(root)).children[0]?.address ?? '' }
    await until(() => client.listActors({ run: root.address }), page => page.actors.length === 2)
    await client.sendEvent({ ...child, event: { type: 'PAY', cents: 100 } })
    await until(() => client.snapshot(child), ({ value }) => value === 'ready')
    const whole = await client.timeline(root)
    expect(whole).toMatchObject({ isWhole: true, actors: [{ address: 'parent/1' }, { address: child.address, parent: 'parent/1' }] })
    expect(whole.messages).toMatchObject([
      { from: null, to: 'parent/1', type: 'start', seq: 1 },
      { from: 'parent/1', to: child.address, type: 'start', seq: 1 },
      { from: null, to: child.address, type: 'PAY', kind: 'event', seq: 2 },
    ])
    expect(whole.spans.filter(({ address }) => address === child.address)).toMatchObject([
      { kind: 'state', name: 'waiting', outcome: 'done', seq: 1, to: expect.any(Number) },
      { kind: 'state', name: 'charging', outcome: 'done', seq: 2 },
      { kind: 'task', name: 'charge', outcome: 'done', attempts: 1, seq: 2 },
      { kind: 'state', name: 'ready', outcome: 'open', to: null },
    ])
    expect(await client.timeline(child)).toEqual(whole)
    const begun = await client.timeline({ ...root, limit: 2 })
    expect(begun).toMatchObject({ isWhole: false, messages: [{ seq: 1 }, { seq: 1 }] })
    await client.stopActor(root)
    await until(() => client.timeline(root), ({ spans }) => spans.every(({ outcome }) => outcome !== 'open'))
    await expect(client.timeline({ address: 'order/none' })).rejects.toMatchObject({ code: 'actor/unknown' })
  })

  withClient('counts how the actors of a machine fare, by state and transition', async client => {
    for (const key of ['1', '2', '3']) await gone(client, key)
    const waits = await started(client, 'order', '4')
    await client.askActor({ ...waits, event: { type: 'BREAK' } }).catch(() => undefined)
    await client.sendEvent({ ...waits, event: { type: 'FIX' } })
    const fleet = await client.fleet({ name: 'order' })
    expect(fleet).toMatchObject({ machine: 'order', instances: 4, sampled: 4 })
    expect(fleet.states).toMatchObject([
      { path: 'charging', instances: 0, visits: 3, errors: 0, dwellP50Ms: expect.any(Number) },
      { path: 'gone', instances: 3, visits: 3, dwellP95Ms: null },
      { path: 'ready', instances: 0, visits: 3 },
      { path: 'waiting', instances: 1, visits: 4, errors: 1, dwellP95Ms: expect.any(Number) },
    ])
    expect(fleet.edges).toEqual(expect.arrayContaining([
      { source: 'waiting', target: 'charging', event: 'PAY', count: 3, errors: 0 },
      { source: 'charging', target: 'ready', event: 'xstate.done.actor.charge', count: 3, errors: 0 },
      { source: 'ready', target: 'gone', event: 'SHIP', count: 3, errors: 0 },
      { source: 'waiting', target: 'waiting', event: 'BREAK', count: 1, errors: 1 },
      { source: 'waiting', target: 'waiting', event: 'FIX', count: 1, errors: 0 },
    ]))
    expect(await client.fleet({ name: 'order', sample: 1 })).toMatchObject({ instances: 4, sampled: 1 })
    await expect(client.fleet({ name: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
  })
}

function system(withClient: WithClient): void {
  withClient('shows machines, health, cluster, queues, workers and who is asking', async (client, world) => {
    const { machines } = await client.listMachines({})
    expect(machines.find(({ name }) => name === 'parent')).toMatchObject({ kind: 'machine', version: '1', catalogue: null, members: ['order'] })
    expect(await client.machine({ name: 'order' })).toMatchObject({ name: 'order', chart: { id: 'order' }, mermaid: expect.stringContaining('stateDiagram-v2'), events: expect.arrayContaining([{ type: 'SHIP', jsonSchema: null }]) })
    await expect(client.machine({ name: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
    expect((await client.listAgents({ capability: 'none' })).agents).toEqual([])
    expect((await client.listAgents({})).agents).toMatchObject([{ machine: 'clerk', tools: ['pay'] }, { machine: 'busy' }])
    expect(await client.listPatterns({})).toEqual({ patterns: [], definitions: [] })
    expect(await client.health({})).toMatchObject({ ready: true, version: expect.stringMatching(/^\d/), partitions: { total: expect.any(Number) } })
    expect((await client.cluster({})).nodes).toMatchObject([{ isSelf: true }])
    expect((await client.queues({})).queues).toMatchObject([{ queue: 'default', active: 0 }])
    expect(await client.workers({})).toMatchObject({ planes: [{ plane: 'default' }] })
    expect(await client.stuck({})).toMatchObject({ actors: [], judged: 0 })
    expect(await client.whoAmI({})).toEqual({ name: null, role: 'admin' })
    expect(await world.client({ name: 'vera', role: 'viewer' }).whoAmI({})).toEqual({ name: 'vera', role: 'viewer' })
  })
}

function refusals(withClient: WithClient): void {
  withClient('refuses what does not fit the table, naming the field, and leaves everything as it is', async client => {
    const bad: readonly (() => Promise<unknown>)[] = [
      () => client.startActor({} as never),
      () => client.startActor({ machine: 'order', extra: 1 } as never),
      () => client.listActors({ limit: 0 }),
      () => client.listActors({ status: 'asleep' } as never),
      () => client.sendEvent({ address: 'order/1', event: { type: '' } }),
      () => client.history({ address: 'order/1', from: -1 }),
    ]
    for (const call of bad) await expect(call()).rejects.toMatchObject({ code: 'request/invalid' })
    await expect(client.startActor({} as never)).rejects.toThrow('machine')
    await expect(client.startActor({ machine: 'none' })).rejects.toMatchObject({ code: 'machine/unknown' })
    await expect(client.snapshot({ address: 'order/none' })).rejects.toMatchObject({ code: 'actor/unknown' })
    expect((await client.listActors({})).actors).toEqual([])
  })

  withClient('says no to a role that may not, and does nothing', async (client, world) => {
    const actor = await started(client, 'order', '1')
    const viewer = world.client({ name: 'vera', role: 'viewer' })
    await expect(viewer.stopActor(actor)).rejects.toMatchObject({ code: 'access/denied' })
    await expect(viewer.bulk({ filter: {}, action: 'stop' })).rejects.toMatchObject({ code: 'access/denied' })
    expect((await viewer.snapshot(actor)).status).toBe('active')
  })
}
