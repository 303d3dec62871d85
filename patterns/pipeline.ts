import type { MemberOutcome } from '../machines/outcome.ts'
import { TroupeError } from '../src/core/errors.ts'
import { resolveMembers } from './member.ts'
import type { Member, MemberOptions } from './member.ts'
import { asVerdict, done, failed, inOrder, isAllEnded, isDone, lastResult, team, whyNot } from './team.ts'
import type { PatternOptions, TeamContext, Verdict } from './team.ts'

export interface Stage extends MemberOptions {
  readonly name: string
  /** What the member is given. Default: the task for the first stage, what the stage before has put out for the others. */
  readonly input?: (task: unknown, previous: unknown) => unknown
  /** Looked at before any stage begins, with the task: healthy if it is done with anything but `false`. */
  readonly healthCheck?: Member
  /** What becomes of the pipeline when the stage is not done: it fails (default), or goes on with what the stage before has put out. */
  readonly onFailure?: 'fail' | 'skip'
}

export interface PipelineOptions extends PatternOptions {
  /** In their order. */
  readonly stages: readonly Stage[]
}

/**
 * Stages one after the other, each with what the one before has put out; all health checks come first. The state says
 * which stage is at work. Throws `config/invalid`.
 *
 * @example
 * const report = pipeline({ name: 'report', stages: [
 *   { name: 'nlp', member: 'nlp', retry: { attempts: 3, baseMs: 1_000, maxMs: 30_000 }, timeoutMs: 60_000 },
 *   { name: 'data', member: 'data', validate: z.object({ rows: z.array(z.unknown()) }), fallback: 'cached-data' },
 *   { name: 'viz', member: 'viz', onFailure: 'skip' },
 * ] })
 */
export function pipeline({ stages, ...options }: PipelineOptions) {
  const { crew, root, ends } = team(options, membersOf(options.name, stages))
  const checks = stages.filter(({ healthCheck }) => healthCheck !== undefined).map(({ name }) => healthOf(name))
  const previous = (context: TeamContext): unknown => inOrder(context).findLast(outcome => isDone(outcome) && !checks.includes(outcome.member))?.output ?? null
  const end = (context: TeamContext): Verdict => {
    const last = lastResult(context) as MemberOutcome
    return isDone(last) || stages.at(-1)?.onFailure !== 'skip' ? asVerdict(last) : done(previous(context))
  }
  const states = stages.map(({ name, input, onFailure = 'fail' }, index) => {
    const next = stages[index + 1]?.name
    const conclude = { type: 'conclude', params: ({ context }: { readonly context: TeamContext }) => () => end(context) } as const
    const state = crew.createStateConfig({
      entry: { type: 'give', params: ({ context }) => () => [{ member: name, task: input ? input(context.task, previous(context)) : index === 0 ? context.task : previous(context) }] },
      always: [
        { guard: onFailure === 'skip' ? 'isAllEnded' : 'isLastDone', ...(next === undefined ? { actions: conclude } : { target: next }) },
        { guard: 'isAllEnded', actions: conclude },
      ],
    })
    return [name, state] as const
  })
  return crew.extend({ guards: { isHealthy: ({ context }) => isAllEnded(context) && context.progress.failed === 0 } }).createMachine({
    ...root,
    initial: 'checking',
    states: {
      checking: {
        entry: { type: 'give', params: ({ context }) => () => checks.map(member => ({ member, task: context.task })) },
        always: [
          { guard: 'isHealthy', target: 'running' },
          { guard: 'isAllEnded', actions: { type: 'conclude', params: ({ context }) => () => failed(`not healthy, so no stage has begun: ${inOrder(context).filter(outcome => !isDone(outcome)).map(whyNot).join('; ')}`) } },
        ],
      },
      running: { initial: stages[0]?.name ?? '', states: Object.fromEntries(states) },
      ...ends,
    },
  })
}

const healthOf = (stage: string): string => `${stage}.health`

function membersOf(pattern: string, stages: readonly Stage[]): Readonly<Record<string, MemberOptions>> {
  const names = stages.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TroupeError('config/invalid', `pattern '${pattern}' has two stages called '${twice}'`)
  const dotted = names.find(name => name.includes('.'))
  if (dotted !== undefined) throw new TroupeError('config/invalid', `pattern '${pattern}': a stage is a state, so the name '${dotted}' cannot have a dot`)
  const checks = stages.flatMap(({ name, healthCheck }) => (healthCheck === undefined ? [] : [[healthOf(name), { member: healthCheck, validate: (output: unknown) => output !== false }] as const]))
  return { ...resolveMembers(pattern, Object.fromEntries(stages.map(stage => [stage.name, stage]))), ...(checks.length > 0 && resolveMembers(pattern, Object.fromEntries(checks))) }
}
