import { z } from 'zod'
import { debate } from './debate.ts'
import { definePattern } from './define-pattern.ts'
import { handoff } from './handoff.ts'
import { hierarchical } from './hierarchical.ts'
import { loopUntil } from './loop-until.ts'
import { mapReduce } from './map-reduce.ts'
import { network } from './network.ts'
import { parallel } from './parallel.ts'
import { count, limits, machineName, member, memberOptions, members } from './params.ts'
import { pipeline } from './pipeline.ts'
import { research } from './research.ts'
import { router } from './router.ts'
import { supervisor } from './supervisor.ts'
import { swarm } from './swarm/index.ts'
import { vote } from './vote.ts'

const policy = z.union([z.enum(['all', 'any', 'settled']), z.strictObject({ quorum: count })]).exactOptional()
const reduce = member.exactOptional()
const tellOrFail = z.enum(['tell', 'fail'])
const counts = <const TName extends string>(...names: TName[]) => Object.fromEntries(names.map(name => [name, count.exactOptional()])) as Record<TName, z.ZodExactOptional<z.ZodInt>>

const manager = {
  manager: member,
  descriptions: z.record(z.string(), z.string()).exactOptional(),
  onFailure: z.union([tellOrFail, z.record(z.string(), tellOrFail)]).exactOptional(),
  mistakesMax: count.exactOptional(),
}
interface BranchParams extends z.infer<z.ZodObject<typeof manager>> {
  members: Record<string, z.infer<typeof member> | BranchParams>
}
const below = z.record(z.string(), z.union([member, z.lazy((): z.ZodType<BranchParams, BranchParams> => branch)]))
const branch = z.strictObject({ ...manager, members: below })

const about = (name: string, description: string) => ({ name, description, capabilities: [`pattern/${name}`] })

/**
 * The patterns as definitions whose params are JSON, members by name.
 *
 * @example
 * await createRuntime({ machines: { crew: builtInPatterns.parallel.create({ members: ['tests', 'docs'] }), tests, docs }, patterns: Object.values(builtInPatterns), store })
 */
export const builtInPatterns = {
  supervisor: definePattern({
    ...about('supervisor', 'a manager gives work to members until it has an answer'),
    params: z.strictObject({ ...manager, members, limits }),
    build: params => supervisor({ name: 'supervisor', ...params }),
  }),
  hierarchical: definePattern({
    ...about('hierarchical', 'a tree of supervisors'),
    params: z.strictObject({ ...manager, members: below, limits }),
    build: params => hierarchical({ name: 'hierarchical', ...params }),
  }),
  research: definePattern({
    ...about('research', 'workers share out sources, syntheses bring together what they find'),
    params: z.strictObject({ worker: member, synthesiser: member, executive: member, ...counts('workers', 'syntheses'), limits }),
    build: params => research({ name: 'research', ...params }),
  }),
  handoff: definePattern({
    ...about('handoff', 'agents hand the control over to each other'),
    params: z.strictObject({ members: z.record(z.string(), machineName), start: z.string(), history: z.union([z.enum(['full', 'last', 'none']), z.strictObject({ window: count })]).exactOptional(), onFailure: z.enum(['fail', 'start']).exactOptional(), ...counts('handoffsMax', 'repeatsMax', 'mistakesMax', 'queueMax'), limits }),
    build: params => handoff({ name: 'handoff', ...params }),
  }),
  network: definePattern({
    ...about('network', 'members write each other, as far as they may'),
    params: z.strictObject({ members, start: z.string(), allow: z.record(z.string(), z.array(z.string())).exactOptional(), onFailure: tellOrFail.exactOptional(), ...counts('hopsMax', 'lettersMax', 'refusalsMax', 'threadMax'), limits }),
    build: params => network({ name: 'network', ...params }),
  }),
  swarm: definePattern({
    ...about('swarm', 'peers with a shared blackboard, in rounds'),
    params: z.strictObject({ peers: count, member, neighbourhood: z.union([z.enum(['ring', 'grid', 'all']), z.strictObject({ random: count })]).exactOptional(), seed: z.int().exactOptional(), topics: z.array(z.string()).exactOptional(), onFailure: z.enum(['skip', 'fail']).exactOptional(), collect: z.boolean().exactOptional() }),
    build: params => swarm({ name: 'swarm', ...params }),
  }),
  pipeline: definePattern({
    ...about('pipeline', 'stages one after the other'),
    params: z.strictObject({ stages: z.array(z.strictObject({ name: z.string(), ...memberOptions, healthCheck: machineName.exactOptional(), onFailure: z.enum(['fail', 'skip']).exactOptional() })).min(1), limits }),
    build: params => pipeline({ name: 'pipeline', ...params }),
  }),
  parallel: definePattern({
    ...about('parallel', 'all members at one task at once'),
    params: z.strictObject({ members, policy, reduce, limits }),
    build: params => parallel({ name: 'parallel', ...params }),
  }),
  mapReduce: definePattern({
    ...about('map-reduce', 'one piece of work per item of a list, then one result of all'),
    params: z.strictObject({ map: member, policy, reduce, limits }),
    build: params => mapReduce({ name: 'map-reduce', ...params }),
  }),
  vote: definePattern({
    ...about('vote', 'voters answer one task and a tally decides'),
    params: z.strictObject({ voters: members, tally: z.enum(['plurality', 'majority', 'unanimous']).exactOptional(), weights: z.record(z.string(), z.number().nonnegative()).exactOptional(), ballotsMin: count.exactOptional(), tieBreaker: member.exactOptional(), limits }),
    build: params => vote({ name: 'vote', ...params }),
  }),
  debate: definePattern({
    ...about('debate', 'debaters speak in rounds, then a judge decides'),
    params: z.strictObject({ debaters: members, judge: member, ...counts('rounds', 'debatersMin'), limits }),
    build: params => debate({ name: 'debate', ...params }),
  }),
  router: definePattern({
    ...about('router', 'a classifier names the one member for a task'),
    params: z.strictObject({ routes: members, classify: member, fallback: z.string().exactOptional(), limits }),
    build: params => router({ name: 'router', ...params }),
  }),
  loopUntil: definePattern({
    ...about('loop-until', 'a refiner works on a draft until a critic accepts it'),
    params: z.strictObject({ refiner: member, critic: member, roundsMax: count.exactOptional(), limits }),
    build: params => loopUntil({ name: 'loop-until', ...params }),
  }),
} as const
