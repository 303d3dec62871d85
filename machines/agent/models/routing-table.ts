import { z } from 'zod'
import { TroupeError } from '../../../src/core/errors.ts'
import type { ModelRequest } from '../model.ts'

/** Tokens above which a context is long, where a route says `longContext: true`. */
const LONG_CONTEXT_TOKENS = 100_000
/** Complexity above which work is complex, where a route says `complex: true`. */
const HIGH_COMPLEXITY = 7

const oneOrMore = z.union([z.string().transform(name => [name]), z.array(z.string()).min(1)])

const routing = z.strictObject({
  routes: z.array(z.strictObject({
    when: z.strictObject({
      taskType: oneOrMore.optional(),
      longContext: z.union([z.literal(true).transform(() => LONG_CONTEXT_TOKENS), z.number().positive()]).optional(),
      complex: z.union([z.literal(true).transform(() => HIGH_COMPLEXITY), z.number()]).optional(),
    }),
    use: oneOrMore,
    prefer: z.enum(['listed', 'cheapest']).default('listed'),
  })).default([]),
  fallback: oneOrMore,
  costMaxUsd: z.number().positive().optional(),
})

/**
 * Which model does what, as plain data. The first route counts whose every condition holds: `taskType`, one of these;
 * `longContext`, more tokens than this (`true`: 100,000, as estimated); `complex`, harder than this (`true`: 7). Its models
 * are tried in their order or the cheapest first, then those of `fallback`. Models whose call may cost more than
 * `costMaxUsd` are passed over; a model without a price counts as free.
 */
export type RoutingTable = z.input<typeof routing>

export type Routing = z.output<typeof routing>

/** Throws `config/invalid` with the path of what is wrong. */
export function parseRouting(table: RoutingTable, models: readonly string[]): Routing {
  const parsed = routing.safeParse(table)
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path, message }) => `${z.core.toDotPath(path) || 'it'}: ${message}`).join('; '))
  const { routes, fallback } = parsed.data
  for (const { path, use } of [...routes.map(({ use }, index) => ({ path: `routes[${index}].use`, use })), { path: 'fallback', use: fallback }]) {
    const unknown = use.find(name => !models.includes(name))
    if (unknown !== undefined) throw invalid(`${path}: there is no model "${unknown}"; there are ${models.join(', ')}`)
  }
  return parsed.data
}

const invalid = (what: string): TroupeError => new TroupeError('config/invalid', `the routing table is wrong: ${what}`)

/** What routes look at. */
export interface Work extends NonNullable<ModelRequest['hints']> {
  readonly tokens: number
}

/** The models to try, in their order, each once. */
export function modelsFor({ routes, fallback }: Routing, work: Work, costOf: (name: string) => number): readonly string[] {
  const route = routes.find(({ when }) => holds(when, work))
  if (!route) return fallback
  const use = route.prefer === 'cheapest' ? route.use.toSorted((a, b) => costOf(a) - costOf(b)) : route.use
  return [...new Set([...use, ...fallback])]
}

function holds({ taskType, longContext, complex }: Routing['routes'][number]['when'], work: Work): boolean {
  return (taskType === undefined || (work.taskType !== undefined && taskType.includes(work.taskType)))
    && (longContext === undefined || work.tokens > longContext)
    && (complex === undefined || (work.complexity ?? 0) > complex)
}
