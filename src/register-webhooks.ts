import type { Client } from './core/client/client.ts'
import type { Handlers } from './core/client/handler.ts'
import { webhookOperations } from './core/client/webhooks.ts'
import type { Clock, Random } from './core/clock.ts'
import type { Limits } from './core/limits.ts'
import type { Registration } from './host/definition.ts'
import type { ActorHandle } from './host/handle.ts'
import type { Runtime } from './host/runtime.ts'
import { endedError } from './host/status.ts'
import type { webhookMachine } from './webhooks/machine.ts'
import { WEBHOOK } from './webhooks/state.ts'
import { Webhooks } from './webhooks/webhooks.ts'
import type { WebhookActors, WebhooksOptions } from './webhooks/webhooks.ts'

interface Site {
  readonly clock: Clock
  readonly random: Random
  readonly limits: Limits
  report(error: unknown): void
}

export interface RegisteredWebhooks extends AsyncDisposable {
  readonly name: string
  readonly registration: Registration
  readonly handlers: Partial<Handlers>
  /** The runtime that they are part of is there. */
  begin(runtime: Runtime): void
}

/** Levels of a webhook's checkpoint around an event of another actor. */
const LEVELS = 8
/** Whatever actors of users may have: what is taken at once has its own bounds below these. */
const PAYLOAD_BYTES_MAX = 1 << 20
const CHECKPOINT_BYTES_MAX = 8 << 20

/** Webhooks as a part of a runtime: their machine, and what answers their operations. */
export function registerWebhooks({ clock, random, limits, report }: Site, options: WebhooksOptions | undefined): RegisteredWebhooks {
  const { promise, resolve } = Promise.withResolvers<Runtime>()
  // Actors of the store go on before the runtime is there: their tasks wait for it.
  const client = async (): Promise<Client> => (await promise).client()
  const follow: Client['follow'] = async function* (input, call) {
    yield* (await client()).follow(input, call)
  }
  const webhooks = new Webhooks({ clock, random, follow, report, actors: webhookActors(promise) }, options)
  const load = async () => (await import('./webhooks/operations.ts')).webhookHandlers(webhooks, async input => (await client()).history(input))
  const names = Object.keys(webhookOperations) as (keyof typeof webhookOperations)[]
  const handlers = Object.fromEntries(names.map(name => [name, async (input: never, call: never) => (await load())[name](input, call)]))
  const own = { payloadBytesMax: PAYLOAD_BYTES_MAX, checkpointBytesMax: CHECKPOINT_BYTES_MAX, jsonDepthMax: limits.jsonDepthMax + LEVELS }
  return {
    name: WEBHOOK,
    // Of a webhook that is gone nothing is kept: it had a secret.
    registration: { machine: webhooks.machine, journal: 'states', retention: { completedMs: 0 }, limits: own },
    handlers,
    begin: resolve,
    [Symbol.asyncDispose]: () => webhooks[Symbol.asyncDispose](),
  }
}

function webhookActors(ready: Promise<Runtime>): WebhookActors {
  const actor = async (id: string) => (await ready).at(`${WEBHOOK}/${id}`) as ActorHandle<ReturnType<typeof webhookMachine>>
  return {
    start: async (id, input) => (await actor(id)).start(input),
    state: async (id, message) => {
      const handle = await actor(id)
      const { address, status, failure, context } = await (message ? handle.ask(message) : handle.snapshot())
      if (status === 'active') return context
      throw endedError({ address, status, failure })
    },
    list: async page => {
      const { actors, cursor } = await (await ready).actors({ ...page, machine: WEBHOOK, status: 'active' })
      return { ids: actors.map(({ key }) => key), cursor }
    },
    stop: async id => (await actor(id)).stop(),
  }
}
