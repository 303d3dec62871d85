import { createBrowserInspector, createWebSocketInspector, createWebSocketReceiver } from '@statelyai/inspect'
import type { StatelyInspectionEvent } from '@statelyai/inspect'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { assign, createActor, createMachine, fromPromise, sendTo, setup } from 'xstate'
import type { OutputOf } from '../../src/client/index.ts'
import { chartOfDefinition } from '../../src/graph/definition-chart.ts'
import { definitionOf } from '../../src/graph/chart-definition.ts'
import { guestLimits } from '../../src/guests/limits.ts'
import { eventually, liveRig } from '../support/live-rig.ts'

const lamp = createMachine({ id: 'lamp', initial: 'off', states: { off: { on: { PRESS: 'on' } }, on: { on: { PRESS: 'off' } } } })
/** A plain XState app: nothing of Troupe in it. */
const room = setup({
  types: { context: {} as { presses: number }, events: {} as { type: 'PRESS' } | { type: 'LEAVE' } },
  actors: { lamp, doors: fromPromise(async () => 'shut') },
  guards: { isLate: ({ context }) => context.presses > 2 },
}).createMachine({
  id: 'room', context: { presses: 0 }, initial: 'lit', invoke: { src: 'lamp', id: 'lamp' },
  states: {
    lit: {
      initial: 'bright',
      states: { bright: { after: { 600_000: 'dim' } }, dim: { tags: 'cosy' } },
      on: { PRESS: { actions: [assign({ presses: ({ context }) => context.presses + 1 }), sendTo('lamp', { type: 'PRESS' })] }, LEAVE: [{ guard: 'isLate', target: 'dark' }, { target: '.dim' }] },
    },
    dark: { type: 'final' },
  },
})

const wsOf = (url: string): string => url.replace('http', 'ws')
/** The package compiles against another copy of the types of XState's observer. */
type Inspect = NonNullable<NonNullable<Parameters<typeof createActor>[1]>['inspect']>

describe('plain XState apps', () => {
  test('are seen live: state, machine and events, by the inspector of Stately', async () => {
    await using rig = await liveRig()
    const { client } = rig
    const told: OutputOf<'followGuests'>[] = []
    const reading = (async () => {
      for await (const item of client.followGuests({})) told.push(item)
    })()
    const inspector = createWebSocketInspector({ url: `${wsOf(rig.url)}/stately?source=house` })
    const actor = createActor(room, { inspect: inspector.inspect as Inspect }).start()
    actor.send({ type: 'PRESS' })
    actor.send({ type: 'LEAVE' })

    const seen = await eventually('the room in the dim', async () => (await client.listGuests({})).guests.find(({ name, states }) => name === 'room' && states.includes('lit.dim')))
    expect(seen).toMatchObject({ source: 'house', status: 'active', states: ['lit', 'lit.dim'], tags: ['cosy'], isConnected: true, parent: null })
    const { chart, context, entries } = await client.guest({ id: seen.id })
    expect(context).toEqual({ presses: 1 })
    expect(chart?.root.states.map(({ path }) => path).toSorted()).toEqual(['dark', 'lit'])
    expect(chart?.transitions).toContainEqual(expect.objectContaining({ source: 'lit', targets: ['dark'], event: 'LEAVE', guard: 'isLate' }))
    expect(entries.filter(({ kind }) => kind === 'event').map(({ type }) => type)).toEqual(['xstate.init', 'PRESS', 'LEAVE'])
    const { guests } = await client.listGuests({})
    expect(guests.find(({ parent }) => parent === seen.id)).toMatchObject({ name: 'lamp', states: ['on'] })
    await eventually('the follower at the same place', () => told.some(item => item.type === 'guest' && item.guest.name === 'room' && item.entry?.type === 'LEAVE'))
    expect(told[0]).toEqual({ type: 'start' })

    actor.stop()
    inspector.stop()
    await eventually('the app gone', async () => (await client.listGuests({})).guests.every(({ isConnected }) => !isConnected))
    client.close()
    await reading
  })

  test('are seen when a browser sends what its inspector hears', async () => {
    await using rig = await liveRig()
    const socket = new WebSocket(`${wsOf(rig.url)}/stately`)
    await new Promise(resolve => socket.once('open', resolve))
    const page = { open: () => null, addEventListener: () => undefined } as unknown as NonNullable<Parameters<typeof createBrowserInspector>[0]>['window']
    const inspector = createBrowserInspector({ ...(page && { window: page }), send: event => socket.send(JSON.stringify(event)) })
    createActor(room, { inspect: inspector.inspect as Inspect }).start()
    await eventually('the room', async () => (await rig.client.listGuests({})).guests.find(({ name, states }) => name === 'room' && states.includes('lit.bright')))
    socket.close()
  })

  test('cannot be steered, fill the memory, or send what is no message of theirs', async () => {
    await using rig = await liveRig({ live: { guestMessageBytesMax: 4_096 } })
    const { client } = rig
    const socket = new WebSocket(`${wsOf(rig.url)}/stately?source=noise`)
    const refusals: string[] = []
    socket.on('message', (data: Buffer) => refusals.push((JSON.parse(data.toString()) as { problem: { detail: string } }).problem.detail))
    await new Promise(resolve => socket.once('open', resolve))
    for (const text of ['garbage', '{}', '{"type":"@xstate.actor"}', '{"type":"@xstate.snapshot","sessionId":"x","__proto__":{}}', '[]', 'null']) socket.send(text)
    await eventually('six refusals', () => refusals.length === 6)
    for (let index = 0; index <= guestLimits.guestsMax; index++) socket.send(JSON.stringify({ type: '@xstate.actor', sessionId: `x:${index}`, definition: index % 2 ? '{' : '{"states":{"__proto__":{"on":{"A":"b"}}}}', snapshot: { status: 'active', value: 'a' } }))
    await eventually('the last of them', async () => (await client.listGuests({})).guests[0]?.id === `noise:x:${guestLimits.guestsMax}`)
    expect((await client.listGuests({})).guests).toHaveLength(guestLimits.guestsMax)
    await expect(client.guest({ id: 'noise:x:0' })).rejects.toMatchObject({ code: 'guest/unknown' })
    expect((await client.guest({ id: 'noise:x:1' })).chart).toBeNull()
    await expect(client.sendEvent({ address: 'noise:x:1', event: { type: 'A' } })).rejects.toMatchObject({ code: 'address/invalid' })
    const closed = new Promise<number>(resolve => socket.once('close', resolve))
    socket.send('x'.repeat(5_000))
    expect(await closed).toBe(1009)
  })
})

test('a machine is the same chart after a journey as its config in JSON', async () => {
  const chart = chartOfDefinition(JSON.stringify(room.config))
  expect(chart).not.toBeNull()
  if (!chart) return
  expect(chartOfDefinition(JSON.stringify(definitionOf(chart)))).toEqual(chart)
})

test('our actors are told of in the protocol of Stately', async () => {
  await using rig = await liveRig()
  const { client } = rig
  const { address } = await client.startActor({ machine: 'counter', key: 'shown' })
  const told: StatelyInspectionEvent[] = []
  createWebSocketReceiver({ server: `${wsOf(rig.url)}/stately/export?address=${encodeURIComponent(address)}` }).subscribe(event => told.push(event))
  await eventually('the actor', () => told.length > 0)
  await client.sendEvent({ address, event: { type: 'ADD', n: 7 } })
  await client.sendEvent({ address, event: { type: 'END' } })
  await eventually('its end', () => told.length >= 5)
  expect(told.map(({ type }) => type)).toEqual(['@xstate.actor', '@xstate.event', '@xstate.snapshot', '@xstate.event', '@xstate.snapshot'])
  expect(told[0]).toMatchObject({ sessionId: address, rootId: address, snapshot: { status: 'active', value: 'counting' } })
  expect(told[2]).toMatchObject({ event: { type: 'ADD', n: 7 }, snapshot: { context: { count: 1, last: 7 } } })
  expect(told[4]).toMatchObject({ snapshot: { status: 'done', value: 'ended' } })
  const { definition = '' } = told[0] as { definition?: string }
  expect(createMachine(JSON.parse(definition) as object).states).toHaveProperty('counting')
})
