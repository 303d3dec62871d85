import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import { resolveMembers, withRole } from './member.ts'
import type { Member, MemberOptions, Members } from './member.ts'
import { parallel } from './parallel.ts'
import type { ParallelOptions } from './parallel.ts'
import { pipeline } from './pipeline.ts'
import type { PipelineOptions } from './pipeline.ts'
import { asVerdict, isDone, lastResult, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext } from './team.ts'

export interface RouterOptions extends PatternOptions {
  readonly routes: Members
  /** Names the route: a function of the task, or a member, who puts out the name or `{ route }`. */
  readonly classify: ((task: unknown) => string) | Member | MemberOptions
  /** The route of tasks that cannot be classified or whose route is not known. Default: they fail. */
  readonly fallback?: string
}

const CLASSIFIER = 'classifier'

/**
 * Looks what kind of task it is and gives it to the one member for it, whose outcome is that of the whole. Throws `config/invalid`.
 *
 * @example
 * const desk = router({ name: 'desk', classify: 'triage', routes: { billing: 'billing', technical: 'technical' }, fallback: 'technical' })
 */
export function router({ routes, classify, fallback, ...options }: RouterOptions) {
  const { name } = options
  const members = resolveMembers(name, routes)
  const known = Object.keys(members)
  if (fallback !== undefined && !known.includes(fallback)) throw new TroupeError('config/invalid', `pattern '${name}': fallback '${fallback}' is no route; the routes are ${known.join(', ')}`)
  const byFunction = typeof classify === 'function'
  const { crew, root, ends } = team(options, byFunction ? members : withRole(name, members, CLASSIFIER, classify))

  const named = (context: TeamContext): string => {
    if (byFunction) return classify(context.task)
    const outcome = lastResult(context) as MemberOutcome
    if (!isDone(outcome)) throw new Error(whyNot(outcome))
    return routeIn(outcome.output)
  }
  const routeOf = (context: TeamContext): string => {
    try {
      const route = named(context)
      if (known.includes(route)) return route
      throw new Error(`there is no route '${route}'; the routes are ${known.join(', ')}`)
    } catch (error) {
      if (fallback === undefined) throw error
      return fallback
    }
  }
  return crew.createMachine({
    ...root,
    initial: 'classifying',
    states: {
      classifying: {
        entry: { type: 'give', params: ({ context }) => () => (byFunction ? [] : [{ member: CLASSIFIER, task: { task: context.task, routes: known } }]) },
        always: { guard: 'isAllEnded', target: 'routing' },
      },
      routing: {
        entry: { type: 'give', params: ({ context }) => () => [{ member: routeOf(context), task: context.task }] },
        always: { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => asVerdict(lastResult(context) as MemberOutcome) } },
      },
      ...ends,
    },
  })
}

const routeIn = (output: unknown): string => (typeof output === 'string' ? output.trim() : String((output as { readonly route?: unknown } | null)?.route))

export interface TieredOptions extends PatternOptions {
  /** Default: `isComplexTask`. */
  readonly isComplex?: (task: unknown) => boolean
  /** Simple tasks go through these stages, one after the other. */
  readonly simple: Omit<PipelineOptions, 'name'>
  /** Complex ones go to all of these at once. */
  readonly complex: Omit<ParallelOptions, 'name'>
}

/** A simple task goes through a pipeline, a complex one to many at once. Throws `config/invalid`. */
export const tiered = ({ isComplex = isComplexTask, simple, complex, ...options }: TieredOptions): ReturnType<typeof router> =>
  router({
    ...options,
    classify: task => (isComplex(task) ? 'complex' : 'simple'),
    routes: { simple: pipeline({ name: `${options.name}.simple`, ...simple }), complex: parallel({ name: `${options.name}.complex`, ...complex }) },
  })

/** Above it a task's own `complexity`, from 0 to 10, makes it complex. */
const COMPLEXITY_MAX = 7
/** Characters of a simple task. */
const SIMPLE_CHARS_MAX = 2_000

/** Whether a task says so itself (`complexity` above 7, of 10), is a list of several, or is long (over 2,000 characters). */
export function isComplexTask(task: unknown): boolean {
  const { complexity } = (task ?? {}) as { readonly complexity?: unknown }
  if (typeof complexity === 'number') return complexity > COMPLEXITY_MAX
  return (Array.isArray(task) && task.length > 1) || JSON.stringify(task ?? null).length > SIMPLE_CHARS_MAX
}
