import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { actorAt, remote, reply, task } from 'troupe'
import type { Codec, CodecContext, TaskScope } from 'troupe'
import { createMemoryStore, createTestWorld } from 'troupe/testing'
import { assign, emit, sendTo, setup } from 'xstate'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-codec-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Authenticated encryption, bound to what the data belongs to: given back anywhere else it does not open. */
const key = createHash('sha256').update('a test key').digest()
const aad = ({ tenant, machine, key: name, seq }: CodecContext): Buffer => Buffer.from(JSON.stringify([tenant, machine, name, seq]))
let nonces = 0
const sealing: Codec = {
  encode(text, context) {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(++nonces)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(context))
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
  },
  decode(data, context) {
    const bytes = Buffer.from(data, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(aad(context)).setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  },
}

const canary = (name: string): string => `canary-${name}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`
const places = ['input', 'event', 'sent', 'task-output', 'task-error', 'heartbeat', 'reply', 'poison', 'thrown', 'parked', 'timer', 'child-input', 'child-output', 'emitted', 'question', 'failure'] as const

const child = setup({ types: { context: {} as { secret: string }, input: {} as { secret: string }, events: {} as { type: 'END' }, output: {} as string } }).createMachine({
  context: ({ input }) => ({ secret: input.secret }),
  initial: 'on',
  states: { on: { after: { 10: 'off' } }, off: { type: 'final' } },
  output: () => canary('child-output'),
})
let attempts = 0
const vault = setup({
  types: {
    context: {} as { seen: string[] }, input: {} as { secret: string },
    events: {} as { type: 'PUT'; secret: string } | { type: 'BREAK'; secret: string } | { type: 'PASS'; secret: string } | { type: 'RING'; secret: string } | { type: 'WORK' } | { type: 'SPAWN' } | { type: 'QUESTION'; secret: string } | { type: 'DOOM' },
    emitted: {} as { type: 'news'; secret: string },
  },
  actors: {
    child: remote<typeof child>('child'),
    doom: task({ retry: 1, run: () => Promise.reject(new Error(canary('failure'))) }),
    work: task({
      retry: { attempts: 2, baseMs: 10, jitter: 0 },
      run: async ({ heartbeat }: TaskScope<unknown>) => {
        heartbeat({ secret: canary('heartbeat') })
        if (++attempts === 1) throw new Error(canary('task-error'))
        return canary('task-output')
      },
    }),
  },
}).createMachine({
  context: ({ input }) => ({ seen: [input.secret] }),
  initial: 'on',
  states: {
    on: { on: { WORK: 'working', SPAWN: 'leading', DOOM: 'dooming' } },
    dooming: { invoke: { src: 'doom' } },
    working: { invoke: { src: 'work', onDone: { target: 'on', actions: assign({ seen: ({ context, event }) => [...context.seen, event.output] }) } } },
    leading: { invoke: { id: 'child', src: 'child', input: () => ({ secret: canary('child-input') }), onDone: { target: 'on', actions: assign({ seen: ({ context, event }) => [...context.seen, event.output] }) } } },
  },
  on: {
    PUT: { actions: [assign({ seen: ({ context, event }) => [...context.seen, event.secret] }), emit(() => ({ type: 'news', secret: canary('emitted') }))] },
    BREAK: { actions: () => { throw new Error(canary('thrown')) } },
    PASS: { actions: sendTo(actorAt('vault/2'), ({ event }) => ({ type: 'PUT', secret: event.secret })) },
    RING: { actions: sendTo(({ self }) => self, ({ event }) => ({ type: 'PUT', secret: event.secret }), { delay: 1_000_000 }) },
    QUESTION: { actions: reply(() => canary('reply')) },
  },
})
const machines = { vault, child }

async function live(path: string, codec?: Codec): Promise<void> {
  attempts = 0
  const open = () => openSqliteStore({ path, synchronous: 'NORMAL', partitions: 2 })
  const options = { machines, ...(codec && { codec }) }
  await using world = await createTestWorld({ ...options, store: await open() })
  await using guest = await createTestWorld({ ...options, store: await open(), clock: world.clock, seed: 2 })
  const actor = () => world.runtime.actor(vault, '1')
  for (const name of ['1', '2', '3', '4']) await world.runtime.actor(vault, name).start({ secret: canary('input') })
  await actor().send({ type: 'PUT', secret: canary('event') })
  await actor().send({ type: 'PASS', secret: canary('sent') })
  await actor().send({ type: 'BREAK', secret: canary('poison') })
  await actor().send({ type: 'RING', secret: canary('timer') })
  await actor().send({ type: 'WORK' })
  await world.advance(100)
  await actor().send({ type: 'SPAWN' })
  await world.advance(100)
  await world.runtime.actor(vault, '3').pause()
  await world.runtime.actor(vault, '3').send({ type: 'PUT', secret: canary('parked') })
  await world.runtime.actor(vault, '4').send({ type: 'DOOM' })
  const asked = guest.runtime.actor(vault, '2').ask({ type: 'QUESTION', secret: canary('question') }, { until: 'reply' })
  expect((await asked).reply).toBe(canary('reply'))
  await expect(guest.runtime.actor(vault, '2').ask({ type: 'BREAK', secret: canary('poison') })).rejects.toMatchObject({ code: 'event/poisoned', cause: { message: canary('thrown') } })

  await world.crash()
  await world.restart()
  const expected = ['input', 'event', 'task-output', 'child-output'].map(canary)
  expect((await actor().snapshot()).context.seen).toEqual(expected)
  expect((await guest.runtime.actor(vault, '1').snapshot()).context.seen).toEqual(expected)
  expect((await actor().at(2)).context.seen).toHaveLength(2)
  expect((await guest.runtime.actor(vault, '2').history({ limit: 2 })).map(({ event }) => event?.['secret'])).toEqual([undefined, canary('sent')])
  const letters = await guest.runtime.deadLetters.list({ address: 'vault/1' })
  expect(letters).toMatchObject([{ message: { body: { event: { secret: canary('poison') } } }, cause: { message: canary('thrown') } }])
  await expect(guest.runtime.deadLetters.replay(letters[0]?.id ?? '')).rejects.toMatchObject({ cause: { message: canary('thrown') } })
  expect((await world.runtime.actors({ status: 'failed' })).actors[0]?.failure?.message).toContain(canary('failure'))
  expect((await guest.runtime.actor(vault, '4').snapshot()).failure?.message).toContain(canary('failure'))
  await world.runtime.actor(vault, '3').resume()
  expect((await world.runtime.actor(vault, '3').ask({ type: 'PUT', secret: canary('event') })).context.seen).toEqual([canary('input'), canary('parked'), canary('event')])
  const fork = await actor().fork(2, 'fork')
  expect((await fork.snapshot()).context.seen).toEqual([canary('input'), canary('event')])
  expect((await fork.history())[0]?.kind).toBe('fork')
}

const bytesOf = (name: string): string => readdirSync(folder).filter(file => file.startsWith(name)).map(file => readFileSync(join(folder, file), 'latin1')).join('\n')

test('nothing that users keep stands in the file as plain text, and all of it works', async () => {
  await live(join(folder, 'sealed.db'), sealing)
  const bytes = bytesOf('sealed.db')
  expect(bytes.length).toBeGreaterThan(50_000)
  expect(places.filter(place => bytes.includes(canary(place)))).toEqual([])
})

test('without a codec it all stands there: the search above finds what is to be found', async () => {
  await live(join(folder, 'plain.db'))
  const bytes = bytesOf('plain.db')
  expect(places.filter(place => !bytes.includes(canary(place)))).toEqual([])
})

test('data that belongs elsewhere does not open: the actor is not taken for another', async () => {
  const store = createMemoryStore()
  await using world = await createTestWorld({ machines, store, codec: sealing })
  for (const name of ['1', '2']) await world.runtime.actor(vault, name).start({ secret: name })
  await world.crash()
  const swapped = new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target)
      if (property !== 'load') return value
      return async (id: Parameters<typeof store.load>[0]) => {
        const [own, other] = [await target.load(id), await target.load('default/vault/2' as typeof id)]
        return own && other && { ...own, base: other.base }
      }
    },
  })
  const reports: unknown[] = []
  await using thief = await createTestWorld({ machines, store: swapped, codec: sealing, clock: world.clock, seed: 2, onError: error => reports.push(error) })
  await expect(thief.runtime.actor(vault, '1').snapshot()).rejects.toMatchObject({ code: 'store/corrupt', address: 'vault/1' })
  expect((await thief.runtime.actor(vault, '2').snapshot()).context.seen).toEqual(['2'])
})
