import { z } from 'zod'
import { reads } from './operation.ts'
import { address, chart, cursor, jsonSchema, limit, machineView, time } from './views.ts'
import { roles } from './operation.ts'

/** What runs, where, and what there is to run. */

const text = z.string()
const count = z.number()
const nothing = z.strictObject({})
const catalogue = reads('catalogue')
const system = reads('system')

const catalogueItem = z.looseObject({ machine: text, version: text, kind: text, name: text, description: text.optional(), capabilities: z.array(text), members: z.array(text) })
const capability = z.strictObject({ capability: text.optional() })

export const systemOperations = {
  listMachines: catalogue({ http: 'GET /machines', summary: 'The registered machines', input: nothing, output: z.object({ machines: z.array(machineView) }) }),
  machine: catalogue({
    http: 'GET /machines/{name}', summary: 'A machine as it can be drawn and spoken to',
    input: z.strictObject({ name: text, /** Sources of machines in it, from the outside in: the chart is that of the innermost. */ child: z.array(text).max(20).optional() }),
    output: machineView.extend({ chart: chart.nullable(), mermaid: text.nullable(), events: z.array(z.object({ type: text, jsonSchema: jsonSchema.nullable() })) }),
  }),
  fleet: catalogue({
    http: 'GET /machines/{name}/fleet', summary: 'How the actors of a machine fare: instances, dwell times and errors by state and transition',
    input: z.strictObject({ name: text, /** Latest actors whose histories are read. Default 200. */ sample: z.int().min(1).max(1_000).optional() }),
    output: z.object({
      machine: text, instances: count, sampled: count,
      states: z.array(z.object({ path: text, instances: count, visits: count, dwellP50Ms: count.nullable(), dwellP95Ms: count.nullable(), errors: count })),
      edges: z.array(z.object({ source: text, target: text, event: text, count, errors: count })),
    }),
  }),
  listAgents: catalogue({ http: 'GET /agents', summary: 'The registered agents, by what they can do', input: capability, output: z.object({ agents: z.array(catalogueItem) }) }),
  listPatterns: catalogue({
    http: 'GET /patterns', summary: 'The registered patterns, and those that can be built', input: capability,
    output: z.object({ patterns: z.array(catalogueItem), definitions: z.array(z.object({ name: text, version: text, description: text, capabilities: z.array(text), paramsSchema: jsonSchema, templates: z.record(text, z.unknown()) })) }),
  }),
  health: system({
    http: 'GET /health', summary: 'Whether this node is ready, what it holds, and its counters',
    input: nothing,
    output: z.object({
      ready: z.boolean(), reasons: z.array(text), node: text, version: text, at: time, partitions: z.object({ total: count, owned: z.array(count) }), lagMs: count, liveActors: count, actorsInMemory: count, runningTasks: count,
      memory: z.object({ bytes: count, bytesMax: count, actorBytes: count, workBytes: count }), store: z.object({ bytes: count, bytesMax: count.nullable() }).nullable(),
      compaction: z.object({ surplus: count, reclaimed: count, last: z.object({ at: time, actors: count, reason: text }).nullable() }), counters: z.record(text, count),
    }),
  }),
  cluster: system({
    http: 'GET /cluster', summary: 'The nodes that live and what they own', input: nothing,
    output: z.object({
      nodes: z.array(z.object({ node: text, isSelf: z.boolean(), partitions: z.array(count), host: text.optional(), pid: count.optional(), startedAt: time.optional(), lagMs: count.optional(), liveActors: count.optional(), runningTasks: count.optional() })),
      partitions: z.array(z.object({ partition: count, node: text.nullable(), epoch: count, expiresAt: time })),
    }),
  }),
  queues: system({
    http: 'GET /queues', summary: 'Tasks that wait and run, by priority, key and worker', input: nothing,
    output: z.object({
      queues: z.array(
        z.object({
          queue: text, waiting: z.record(text, count), active: count, ended: z.object({ completed: count, failed: count, deadLetters: count }).nullable(),
          keys: z.array(z.object({ key: text, waiting: count, active: count })), workers: z.array(z.object({ worker: text, active: count, silentMs: count })),
        }),
      ),
    }),
  }),
  workers: system({
    http: 'GET /workers', summary: 'Threads for CPU-heavy work, and the CPUs they are pinned to', input: nothing,
    output: z.looseObject({ cpusAllowed: z.array(count).nullable(), control: z.array(count), pinning: z.object({ isOn: z.boolean(), reason: text.nullable() }), planes: z.array(z.looseObject({})), threads: z.array(z.looseObject({})) }),
  }),
  stuck: system({
    http: 'GET /stuck', summary: 'Active actors that nothing can ever wake', input: z.strictObject({ cursor: cursor.optional(), limit: limit.optional() }),
    output: z.object({ actors: z.array(z.object({ address, run: address, states: z.array(text), since: time, reason: text })), judged: count, cursor: cursor.optional() }),
  }),
  whoAmI: system({ http: 'GET /me', summary: 'Whom the server takes you for', input: nothing, output: z.object({ name: text.nullable(), role: z.enum(roles) }) }),
}
