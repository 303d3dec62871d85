import { operations } from '../../core/client/client.ts'
import { Components } from '../components.ts'
import { clientMessage, serverMessages } from './messages.ts'
import { streamNames } from './open-stream.ts'
import type { StreamName } from './open-stream.ts'

type Json = Record<string, unknown>

const ref = (path: string): Json => ({ $ref: `#/${path}` })
/** `{name}` parameters of an address, as the route has them. */
const paramsOf = (address: string): Json => Object.fromEntries([...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, { description: name === 'id' ? 'Address of the actor, percent-encoded whole: `order%2F42`' : `Percent-encoded ${name}` }]))

const pathOf = (name: StreamName): string => `/api/v1${operations[name].http.split(' ')[1]?.replace('{address}', '{machine}/{key}')}`

/** The live events as AsyncAPI 3.1: server-sent events of each stream, and the messages of `/ws`, made of the same tables that serve them. */
export function asyncApi(version: string): Json {
  const components = new Components()
  const messages = Object.fromEntries([
    ...streamNames.map(name => [name, { summary: `An item of ${name}: \`id\` is its position, \`event\` its type`, contentType: 'application/json', payload: components.add(operations[name].output, 'output') }]),
    ['fromClient', { summary: 'What a client says: subscribe, unsubscribe, pong', contentType: 'application/json', payload: components.add(clientMessage, 'input') }],
    ...Object.entries(serverMessages).map(([name, schema]) => [name, { summary: `${name}, as the server says it`, contentType: 'application/json', payload: components.add(schema, 'input') }]),
  ])
  const channel = (address: string, names: readonly string[], summary: string): Json => ({ address, summary, parameters: paramsOf(address), messages: Object.fromEntries(names.map(name => [name, ref(`components/messages/${name}`)])) })
  const ws = ['fromClient', ...Object.keys(serverMessages)]
  const channels: Json = {
    ...Object.fromEntries(streamNames.map(name => [name, channel(pathOf(name), [name], operations[name].summary)])),
    ws: channel('/ws', ws, 'All streams over one WebSocket'),
    workflow: channel('/ws/workflows/{id}', ws, 'The steps of one actor; `{"resumeFrom": 7}` has it begin again after step 7'),
  }
  const told = (on: string, names: readonly string[], action: string): Json => ({ action, channel: ref(`channels/${on}`), messages: names.map(name => ref(`channels/${on}/messages/${name}`)) })
  const wsOperations = ['ws', 'workflow'].flatMap(on => [[`${on}Hears`, told(on, ['fromClient'], 'receive')], [`${on}Tells`, told(on, Object.keys(serverMessages), 'send')]])
  return {
    asyncapi: '3.1.0',
    info: { title: 'Troupe, live', version, description: 'What is committed, as it is committed. Whoever comes again says where it was, and goes on there.' },
    defaultContentType: 'application/json',
    channels,
    operations: Object.fromEntries([...streamNames.map(name => [name, told(name, [name], 'send')]), ...wsOperations]),
    components: { messages, schemas: components.schemas },
  }
}
