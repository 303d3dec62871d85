import { describe, expect, test } from 'vitest'
import { actorAt, createRuntime } from 'troupe'
import type { AuditEntry, Caller, Client, OutputOf } from 'troupe'
import { sendTo, setup } from 'xstate'
import { operations } from '../../src/core/client/client.ts'
import type { OperationName } from '../../src/core/client/client.ts'
import { roles } from '../../src/core/client/operation.ts'
import type { Operation, Role } from '../../src/core/client/operation.ts'
import { clientMachines } from '../support/client-machines.ts'

const table = Object.entries(operations as Readonly<Record<string, Operation>>) as [OperationName, Operation][]
const callers: Readonly<Record<Role, Caller>> = { viewer: { name: 'vera', role: 'viewer' }, operator: { name: 'otto', role: 'operator' }, admin: { name: 'ada', role: 'admin' } }

async function open(onAudit?: (entry: AuditEntry) => void) {
  const errors: unknown[] = []
  const runtime = await createRuntime({ machines: clientMachines, store: 'memory:', onError: error => errors.push(error), ...(onAudit && { onAudit }) })
  return { runtime, errors, [Symbol.asyncDispose]: () => runtime.close() }
}

/** The code of what a call throws; undefined when it throws nothing. */
async function codeOf(client: Client, name: OperationName): Promise<string | undefined> {
  const call = client[name] as (input: unknown, options?: { signal: AbortSignal }) => Promise<unknown> | AsyncIterable<unknown>
  try {
    if (operations[name].stream) await (call({}, { signal: AbortSignal.abort() }) as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()
    else await call({})
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('every operation with every role', async () => {
  await using world = await open()
  // Called here, not in the tests: they come after the runtime is closed.
  const outcomes = await Promise.all(table.flatMap(([name, { role }]) => roles.map(async of => ({ name, role, of, code: await codeOf(world.runtime.client(callers[of]), name) }))))
  test.each(outcomes)('$name (for $role) as $of', ({ role, of, code }) => {
    const isAllowed = roles.indexOf(of) >= roles.indexOf(role)
    if (isAllowed) expect(code).not.toBe('access/denied')
    else expect(code).toBe('access/denied')
  })
  test('most of them are there, and some are for more than viewers and some for admins alone', () => {
    expect(new Set(table.map(([, { role }]) => role))).toEqual(new Set(roles))
    expect(outcomes.filter(({ code }) => code === 'access/denied').length).toBeGreaterThan(15)
  })
})

describe('the audit', () => {
  test('tells of each call that changes something, whatever comes of it, and of no other', async () => {
    const entries: AuditEntry[] = []
    await using world = await open(entry => entries.push(entry))
    const client = world.runtime.client(callers.operator)
    const actor = await client.startActor({ machine: 'order', key: '1' })
    await client.snapshot(actor)
    await client.listActors({})
    await client.stopActor(actor)
    await client.sendEvent({ ...actor, event: { type: 'FIX' } }).catch(() => undefined)
    await client.sendEvent({ ...actor, event: {} as never }).catch(() => undefined)
    await client.discardDeadLetter({ id: 'none' }).catch(() => undefined)
    await world.runtime.client(callers.viewer).stopActor(actor).catch(() => undefined)
    const told = entries.map(({ caller, operation, target, outcome }) => [caller.name, operation, target, outcome])
    expect(told).toEqual([
      ['otto', 'startActor', null, 'done'],
      ['otto', 'stopActor', 'order/1', 'done'],
      ['otto', 'sendEvent', 'order/1', 'actor/ended'],
      ['otto', 'sendEvent', 'order/1', 'request/invalid'],
      ['otto', 'discardDeadLetter', 'none', 'dead-letter/unknown'],
      ['vera', 'stopActor', 'order/1', 'access/denied'],
    ])
    expect(entries.every(({ at }) => at > 0)).toBe(true)
  })

  test('that throws does not take the call with it', async () => {
    const broken = new Error('the disk is full')
    await using world = await open(() => {
      throw broken
    })
    expect(await world.runtime.client().startActor({ machine: 'order', key: '1' })).toEqual({ address: 'order/1' })
    expect(world.errors).toEqual([broken])
  })
})

test('letters of actors of Troupe itself can be seen and given up, but show no content and take no other event', async () => {
  const rude = setup({}).createMachine({ on: { GO: { actions: sendTo(actorAt('troupe.webhook/none'), { type: 'SECRET', key: 'x' }) } } })
  await using runtime = await createRuntime({ machines: { rude }, store: 'memory:' })
  const client = runtime.client()
  await client.sendEvent({ ...(await client.startActor({ machine: 'rude' })), event: { type: 'GO' } })
  const { letters: [letter] } = await expect.poll(() => client.listDeadLetters({})).toSatisfy(({ letters }: OutputOf<'listDeadLetters'>) => letters.length === 1).then(() => client.listDeadLetters({}))
  expect(letter).toMatchObject({ address: 'troupe.webhook/none', kind: 'event', event: null })
  const id = letter?.id ?? ''
  await expect(client.replayDeadLetter({ id, event: { type: 'FORGED' } })).rejects.toMatchObject({ code: 'access/denied' })
  expect(await client.discardDeadLetter({ id })).toMatchObject({ state: 'discarded' })
})

describe('bad input', () => {
  const deep = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>(inner => ({ inner }), 1)
  const proto = JSON.parse('{"type":"FIX","__proto__":{"admin":true}}') as { type: string }

  test('is refused before it reaches a handler: depth, forbidden keys, what JSON cannot hold', async () => {
    await using world = await open()
    const client = world.runtime.client()
    const actor = await client.startActor({ machine: 'order', key: '1' })
    const bad: readonly unknown[] = [null, 7, 'x', [], new Date(0), { ...actor, event: proto }, { ...actor, event: { type: 'FIX', at: new Date(0) } }, { ...actor, event: { type: 'FIX', n: Infinity } }, { ...actor, event: { type: 'FIX', deep: deep(100_000) } }]
    for (const input of bad) await expect(client.sendEvent(input as never)).rejects.toMatchObject({ code: 'request/invalid' })
    await expect(client.sendEvent({ ...actor, event: { type: 'FIX', deep: deep(64) } })).rejects.toMatchObject({ code: 'event/invalid' })
    for (const id of ['', 'x', Buffer.from('[1]').toString('base64url'), Buffer.from('["order/1"]').toString('base64url'), Buffer.from('["nobody/1","",""]').toString('base64url')]) {
      await expect(client.decide({ id, approve: true, revision: '1' })).rejects.toMatchObject({ code: 'approval/unknown' })
    }
    expect((await client.snapshot(actor)).seq).toBe(1)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  test('a call that nobody waits for any more ends, and what it asked for stays as it is', async () => {
    await using world = await open()
    const client = world.runtime.client()
    const actor = await client.startActor({ machine: 'order', key: '1' })
    const leave = new AbortController()
    const waiting = client.result({ ...actor, timeoutMs: 300_000 }, { signal: leave.signal })
    leave.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    expect((await client.snapshot(actor)).status).toBe('active')
  })
})
