import { Parser } from '@asyncapi/parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { eventually, liveRig } from '../support/live-rig.ts'

interface Document {
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: object }>>; readonly schemas: object }
  readonly channels: object
}

test('the AsyncAPI document is valid, and what is told live is as it says', async () => {
  await using rig = await liveRig()
  const text = await (await fetch(`${rig.url}/asyncapi.json`)).text()
  const { document, diagnostics } = await new Parser().parse(text)
  expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
  expect(document?.version()).toBe('3.1.0')

  const { components, channels } = JSON.parse(text) as Document
  expect(Object.keys(channels)).toEqual(['watch', 'follow', 'followGuests', 'ws', 'workflow'])
  const ajv = new Ajv2020({ strict: false })
  const messages: object[] = []
  const socket = new WebSocket(`${rig.url.replace('http', 'ws')}/ws`)
  socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data)) as object))
  await new Promise(resolve => socket.addEventListener('open', resolve))
  const subscribe = { type: 'subscribe', id: 'a', operation: 'follow', input: {} }
  socket.send(JSON.stringify(subscribe))
  await eventually('an answer', () => messages.length >= 2)
  const actor = await rig.client.startActor({ machine: 'counter', key: '1' })
  await rig.client.sendEvent({ ...actor, event: { type: 'END' } })
  socket.send('{"type":"nonsense"}')
  await eventually('steps and an error', () => messages.length >= 5)
  socket.close()
  const fits = (name: string, value: unknown): boolean => ajv.validate({ ...components.messages[name]?.payload, components: { schemas: components.schemas } }, value)
  expect(fits('fromClient', subscribe)).toBe(true)
  expect(fits('fromClient', { type: 'nonsense' })).toBe(false)
  for (const message of messages as { type: string; item?: unknown }[]) {
    expect(fits(message.type, message), JSON.stringify([message, ajv.errors])).toBe(true)
    if (message.item) expect(fits('follow', message.item), JSON.stringify([message.item, ajv.errors])).toBe(true)
  }
})
