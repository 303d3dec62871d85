import { parseAddress } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import type { ActorDocument } from '../../core/document.ts'
import type { ActorStatus } from '../../core/store.ts'
import type { Definition } from '../definition.ts'
import { statesOf } from '../../core/states.ts'
import { isMachine } from '../xstate/logic.ts'
import { eventsOf, handlersOf, isWildcardFor, resolveMachine } from '../xstate/outlook.ts'
import { eventsKnown, schemaOf } from './catalogue.ts'
import type { ClientParts } from './parts.ts'

type EventView = ShownOutput<'listEvents'>['events'][number]

export function eventHandlers({ reader }: ClientParts) {
  return {
    listEvents: async ({ address, at }) => {
      const id = parseAddress(address)
      const definition = reader.definition(id)
      const { record, document } = await reader.document(id, at)
      const { status } = at === undefined ? record : document
      return { events: eventsKnown(definition).map(type => eventView(definition, status, document, type)) }
    },
  } satisfies Partial<Handlers>
}

function eventView(definition: Definition, status: ActorStatus, { snapshot }: ActorDocument, type: string): EventView {
  const { logic } = definition
  const machine = isMachine(logic) ? logic : undefined
  const resolved = machine && resolveMachine(machine, snapshot)
  const handled = resolved ? [...eventsOf(resolved)].find(([on]) => on === type || isWildcardFor(on, type)) : undefined
  const isHandled = !machine || handled !== undefined
  const takesEvents = status === 'active' || status === 'paused'
  const handledIn = machine ? handlersOf(machine, type) : []
  const reason = (): string | null => {
    if (!takesEvents) return `the actor is ${status}`
    if (isHandled) return null
    return handledIn.length === 0 ? 'no state acts upon it' : `it is handled in ${handledIn.map(nameOf).join(', ')}; active is ${statesOf(snapshot.value).join(', ')}`
  }
  return { type, legal: takesEvents && isHandled, guarded: handled?.[1] ?? false, jsonSchema: schemaOf(definition, type), reason: reason(), handledIn }
}

const nameOf = (path: string): string => path || 'every state'
