import type { AnyActorLogic } from 'xstate'
import { z } from 'zod'
import { catalogueEntryOf } from '../../core/catalogue.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import { isSystemMachine } from '../../core/system-machine.ts'
import { membersOf } from '../catalogue.ts'
import type { Definition } from '../definition.ts'
import { unknownMachine } from '../status.ts'
import { isMachine } from '../xstate/logic.ts'
import { eventTypesOf, sourceOf } from '../xstate/outlook.ts'
import type { ClientParts } from './parts.ts'
import { toJson } from './views.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** The schema of an event as JSON Schema; null where none was registered. */
export const schemaOf = ({ events }: Pick<Definition, 'events'>, type: string): JsonSchema | null => {
  const schema = events[type]
  return schema ? (z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema) : null
}

/** The events that a machine knows: those of its states, and those it has schemas for. */
export const eventsKnown = ({ logic, events }: Definition): readonly string[] => [...new Set([...(isMachine(logic) ? eventTypesOf(logic) : []), ...Object.keys(events)])].toSorted()

const machineView = ({ name, version, hash, logic }: Definition): ShownOutput<'listMachines'>['machines'][number] => {
  const entry = catalogueEntryOf(logic)
  return { name, version, hash, kind: isMachine(logic) ? 'machine' : 'logic', catalogue: entry ? (toJson(entry) as unknown as typeof entry & Record<string, unknown>) : null, members: membersOf(logic) }
}

export function catalogueHandlers({ env, runtime }: ClientParts) {
  return {
    listMachines: async () => ({ machines: [...env.definitions.values()].filter(({ name }) => !isSystemMachine(name)).map(machineView) }),
    machine: async ({ name, child = [] }) => {
      const definition = env.definitions.get(name)
      if (!definition) throw unknownMachine(name, env.definitions)
      const events = eventsKnown(definition).map(type => ({ type, jsonSchema: schemaOf(definition, type) }))
      const drawn = child.reduce<AnyActorLogic | undefined>((logic, src) => (logic && isMachine(logic) ? sourceOf(logic, src) : undefined), definition.logic)
      return { ...machineView(definition), ...((drawn && env.draw(drawn)) ?? { chart: null, mermaid: null }), events }
    },
    listAgents: async query => ({ agents: runtime.agents.list(query).map(item => ({ ...item })) }),
    listPatterns: async query => ({ patterns: runtime.patterns.list(query).map(item => ({ ...item })), definitions: runtime.patterns.definitions(query) }),
  } satisfies Partial<Handlers>
}
