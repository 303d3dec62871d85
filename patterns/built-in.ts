import { z } from 'zod'
import { debate } from './debate.ts'
import { definePattern } from './define-pattern.ts'
import { defaultPatternLimits } from './limits.ts'
import type { PatternLimits } from './limits.ts'
import { loopUntil } from './loop-until.ts'
import { mapReduce } from './map-reduce.ts'
import { parallel } from './parallel.ts'
import { pipeline } from './pipeline.ts'
import { router } from './router.ts'
import { vote } from './vote.ts'

const ms = z.number().positive()
const count = z.int().positive()
const name = z.string().min(1).meta({ description: 'name of a registered machine' })
const retry = z.union([count, z.strictObject({ attempts: count.exactOptional(), baseMs: z.number().nonnegative().exactOptional(), factor: z.number().min(1).exactOptional(), maxMs: z.number().nonnegative().exactOptional() })])
const memberOptions = { member: name, timeoutMs: ms.exactOptional(), retry: retry.exactOptional(), fallback: name.exactOptional() }

/** A member as JSON: a name, or a name and how work is given to it. */
export const memberParam = z.union([name, z.strictObject(memberOptions)])
/** Members as JSON: a list, or by name. */
export const membersParam = z.union([z.array(memberParam).min(1), z.record(z.string(), memberParam)])
/** `limits` as JSON. */
export const limitsParam = z.strictObject(Object.fromEntries(Object.keys(defaultPatternLimits).map(limit => [limit, ms.exactOptional()])) as Record<keyof PatternLimits, z.ZodExactOptional<z.ZodNumber>>).exactOptional()

const policy = z.union([z.enum(['all', 'any', 'settled']), z.strictObject({ quorum: count })]).exactOptional()
const reduce = memberParam.exactOptional()

/**
 * The patterns as definitions whose params are JSON, members by name.
 *
 * @example
 * await createRuntime({ machines: { crew: builtInPatterns.parallel.create({ members: ['tests', 'docs'] }), tests, docs }, patterns: Object.values(builtInPatterns), store })
 */
export const builtInPatterns = {
  pipeline: definePattern({
    name: 'pipeline',
    description: 'stages one after the other',
    capabilities: ['pattern/pipeline'],
    params: z.strictObject({ stages: z.array(z.strictObject({ name, ...memberOptions, healthCheck: name.exactOptional(), onFailure: z.enum(['fail', 'skip']).exactOptional() })).min(1), limits: limitsParam }),
    build: params => pipeline({ name: 'pipeline', ...params }),
  }),
  parallel: definePattern({
    name: 'parallel',
    description: 'all members at one task at once',
    capabilities: ['pattern/parallel'],
    params: z.strictObject({ members: membersParam, policy, reduce, limits: limitsParam }),
    build: params => parallel({ name: 'parallel', ...params }),
  }),
  mapReduce: definePattern({
    name: 'map-reduce',
    description: 'one piece of work per item of a list, then one result of all',
    capabilities: ['pattern/map-reduce'],
    params: z.strictObject({ map: memberParam, policy, reduce, limits: limitsParam }),
    build: params => mapReduce({ name: 'map-reduce', ...params }),
  }),
  vote: definePattern({
    name: 'vote',
    description: 'voters answer one task and a tally decides',
    capabilities: ['pattern/vote'],
    params: z.strictObject({ voters: membersParam, tally: z.enum(['plurality', 'majority', 'unanimous']).exactOptional(), weights: z.record(z.string(), z.number().nonnegative()).exactOptional(), ballotsMin: count.exactOptional(), tieBreaker: memberParam.exactOptional(), limits: limitsParam }),
    build: params => vote({ name: 'vote', ...params }),
  }),
  debate: definePattern({
    name: 'debate',
    description: 'debaters speak in rounds, then a judge decides',
    capabilities: ['pattern/debate'],
    params: z.strictObject({ debaters: membersParam, judge: memberParam, rounds: count.exactOptional(), debatersMin: count.exactOptional(), limits: limitsParam }),
    build: params => debate({ name: 'debate', ...params }),
  }),
  router: definePattern({
    name: 'router',
    description: 'a classifier names the one member for a task',
    capabilities: ['pattern/router'],
    params: z.strictObject({ routes: membersParam, classify: memberParam, fallback: z.string().exactOptional(), limits: limitsParam }),
    build: params => router({ name: 'router', ...params }),
  }),
  loopUntil: definePattern({
    name: 'loop-until',
    description: 'a refiner works on a draft until a critic accepts it',
    capabilities: ['pattern/loop-until'],
    params: z.strictObject({ refiner: memberParam, critic: memberParam, roundsMax: count.exactOptional(), limits: limitsParam }),
    build: params => loopUntil({ name: 'loop-until', ...params }),
  }),
} as const
