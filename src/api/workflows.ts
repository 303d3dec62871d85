import { z } from 'zod'
import type { CallOptions, Client, OutputOf } from '../core/client/client.ts'
import { actorOperations } from '../core/client/actors.ts'
import { changes, isAllowed, reads } from '../core/client/operation.ts'
import type { Operation } from '../core/client/operation.ts'
import { systemOperations } from '../core/client/system.ts'
import { actorStatus, address, json, snapshotView } from '../core/client/views.ts'
import { TroupeError } from '../core/errors.ts'
import { BASE } from './route.ts'
import type { Route } from './route.ts'

/**
 * Names by which other tools know the same things: a workflow is an actor, its `{id}` the address, percent-encoded as one segment
 * (`order%2F42`). Each calls operations of the table, and may what they may.
 */

type Row<TInput extends z.ZodObject> = Pick<Operation<TInput>, 'input' | 'output' | 'summary' | 'http'> & {
  readonly run: (client: Client, input: z.output<TInput>, options?: CallOptions) => Promise<unknown>
}

const GROUP = 'workflow names'
const text = z.string()
const one = z.strictObject({ id: address })
const key = text.optional()
const input = json.optional()
const idempotencyKey = z.string().min(1).max(255).optional()
const started = z.object({ id: address, address })
const done = actorOperations.pauseActor.output

const start = async (client: Client, wanted: Parameters<Client['startActor']>[0]): Promise<z.output<typeof started>> => {
  const { address: made } = await client.startActor(wanted)
  return { id: made, address: made }
}

/** Whether an id names a machine only: that of an actor has its key too. */
const isMachine = (id: string): boolean => !id.includes('/')

const change = changes(GROUP)
const read = reads(GROUP)

function row<TInput extends z.ZodObject>(name: string, { run, http, ...rest }: Row<TInput>): Route {
  const [method = '', path = ''] = http.split(' ')
  const described = method === 'GET' ? read({ ...rest, http }) : change({ ...rest, http })
  const call: Route['call'] = ({ client, caller }, given, options) => {
    if (!isAllowed(caller.role, described.role)) throw new TroupeError('access/denied', `${name} is for the role ${described.role}: ${caller.name ?? 'the caller'} is ${caller.role}`)
    const { data, error } = rest.input.safeParse(given)
    if (error) throw new TroupeError('request/invalid', `${name}: ${error.issues.map(({ path: at, message }) => `${at.join('.') || 'input'}: ${message}`).join('; ')}`)
    return run(client, data, options)
  }
  return { ...described, name, method, path, call }
}

const breaker = z.object({ address, machine: text, status: actorStatus, state: json.nullable(), failures: z.int(), activations: z.int(), refusals: z.int() })

/** What a circuit breaker's context counts. */
interface Counted {
  readonly failures?: readonly unknown[]
  readonly activations?: number
  readonly refusals?: number
}

async function breakerOf(client: Client, found: OutputOf<'listActors'>['actors'][number]): Promise<z.output<typeof breaker>> {
  const { value, status, context } = await client.snapshot({ address: found.address })
  const { failures = [], activations = 0, refusals = 0 } = (context ?? {}) as Counted
  return { address: found.address, machine: found.machine, status, state: value, failures: failures.length, activations, refusals }
}

/** The circuit breakers there are: actors of machines that say of themselves that they are one. A page of each. */
async function listBreakers(client: Client): Promise<unknown> {
  const { machines } = await client.listMachines({})
  const breakers = machines.filter(({ catalogue }) => catalogue?.capabilities.includes('circuit-breaker'))
  const pages = await Promise.all(breakers.map(({ name }) => client.listActors({ machine: name })))
  return { breakers: await Promise.all(pages.flatMap(({ actors }) => actors).map(found => breakerOf(client, found))) }
}

async function startPattern(client: Client, { pattern, ...rest }: { readonly pattern: string } & Omit<Parameters<Client['startActor']>[0], 'machine'>): Promise<unknown> {
  const { patterns } = await client.listPatterns({})
  if (!patterns.some(({ machine }) => machine === pattern)) throw new TroupeError('machine/unknown', `there is no pattern ${JSON.stringify(pattern)} among ${patterns.map(({ machine }) => machine).join(', ') || 'none'}`)
  return start(client, { ...rest, machine: pattern })
}

const snapshotOf = (client: Client, { id }: z.output<typeof one>): Promise<unknown> => client.snapshot({ address: id })

export const workflowRoutes: readonly Route[] = [
  row('startWorkflow', { http: `POST ${BASE}/workflows`, summary: 'Start an actor: `startActor`', input: z.strictObject({ machine: text, key, input, idempotencyKey }), output: started, run: start }),
  row('executeWorkflow', {
    http: `POST ${BASE}/workflows/{id}/execute`, summary: 'Start an actor of the machine that the id names (`startActor`), or send the actor of the id an event (`sendEvent`)',
    input: z.strictObject({ id: text, key, input, event: actorOperations.sendEvent.input.shape.event.optional(), idempotencyKey }), output: started,
    run: async (client, { id, event, idempotencyKey: once, ...rest }) => {
      if (isMachine(id)) return start(client, { machine: id, ...rest, ...(once !== undefined && { idempotencyKey: once }) })
      if (!event) throw new TroupeError('request/invalid', `executeWorkflow: an actor is sent an event: \`{ "event": { "type": … } }\``, { address: id })
      await client.sendEvent({ address: id, event, idempotencyKey: once })
      return { id, address: id }
    },
  }),
  row('workflowStatus', { http: `GET ${BASE}/workflows/{id}/status`, summary: 'The state of an actor: `snapshot`', input: one, output: snapshotView, run: snapshotOf }),
  row('pauseWorkflow', { http: `POST ${BASE}/workflows/{id}/pause`, summary: '`pauseActor`', input: one, output: done, run: (client, { id }) => client.pauseActor({ address: id }) }),
  row('resumeWorkflow', { http: `POST ${BASE}/workflows/{id}/resume`, summary: '`resumeActor`', input: one, output: done, run: (client, { id }) => client.resumeActor({ address: id }) }),
  row('cancelWorkflow', { http: `POST ${BASE}/workflows/{id}/cancel`, summary: '`cancelActor`', input: one, output: done, run: (client, { id }) => client.cancelActor({ address: id }) }),
  row('startPattern', { http: `POST ${BASE}/patterns`, summary: 'Start an actor of a registered pattern: `startActor`', input: z.strictObject({ pattern: text, key, input, idempotencyKey }), output: started, run: startPattern }),
  row('legacyStatus', { http: 'GET /api/workflow/{id}/status', summary: 'The state of an actor: `snapshot`', input: one, output: snapshotView, run: snapshotOf }),
  row('legacyCancel', { http: 'POST /api/workflow/{id}/cancel', summary: '`cancelActor`', input: one, output: done, run: (client, { id }) => client.cancelActor({ address: id }) }),
  row('legacyMetrics', {
    http: 'GET /api/workflow/metrics', summary: 'Counts of actors (`tallyActors`) and of this node (`health`)', input: z.strictObject({}), output: z.object({ actors: actorOperations.tallyActors.output, node: systemOperations.health.output }),
    run: async client => ({ actors: await client.tallyActors({}), node: await client.health({}) }),
  }),
  row('circuitBreakers', { http: 'GET /api/circuit-breakers/status', summary: 'The circuit breakers, and whether they let calls through', input: z.strictObject({}), output: z.object({ breakers: z.array(breaker) }), run: listBreakers }),
]
