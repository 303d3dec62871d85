import { z } from 'zod'
import { TroupeError } from '../src/core/errors.ts'
import type { Briefing, Decision, Report } from './decision.ts'
import { hierarchical } from './hierarchical.ts'
import type { Branch } from './hierarchical.ts'
import type { Member, MemberOptions } from './member.ts'
import type { supervisor } from './supervisor.ts'
import type { PatternOptions } from './team.ts'

/** Where something stands. */
export const citation = z.object({ source: z.string(), line: z.number().int().optional(), quote: z.string().optional() })
export type Citation = z.infer<typeof citation>

/** What workers and syntheses put out: a text, and where what it says stands. An agent answers so with `output: finding`. */
export const finding = z.object({ text: z.string(), citations: z.array(citation) })
export type Finding = z.infer<typeof finding>

/** What a worker is given. */
export interface WorkerTask {
  readonly question: unknown
  /** Its share of the sources. */
  readonly sources: readonly unknown[]
}

/** What a synthesis is given. */
export interface SynthesisTask {
  readonly question: unknown
  readonly findings: readonly Finding[]
  /** Parts of the research that came to nothing. */
  readonly missing: readonly string[]
}

/** What research is given. */
export interface ResearchTask {
  readonly question: unknown
  /** Shared out among the workers in turn. */
  readonly sources: readonly unknown[]
}

export interface ResearchOptions extends PatternOptions {
  readonly worker: Member | MemberOptions
  /** Makes one of the findings of some workers. */
  readonly synthesiser: Member | MemberOptions
  /** Makes one of all syntheses. */
  readonly executive: Member | MemberOptions
  /** Default 8. */
  readonly workers?: number
  /** Default 2. */
  readonly syntheses?: number
}

const SYNTHESIS = 'synthesis'

/**
 * Workers share out the sources, mid-level syntheses bring together what they have found, an executive synthesis all of
 * it: 8, 2 and 1, unless told otherwise. Given a `ResearchTask`, comes to a `Finding`. Only what a worker has cited can be
 * cited; of a synthesis that cites nothing, all that it was given stays cited. A worker that fails is missing, and said to be;
 * without any finding the whole fails. Throws `config/invalid`.
 *
 * @example
 * const study = research({ name: 'study', worker: 'reader', synthesiser: 'editor', executive: 'chief' })
 */
export function research({ worker, synthesiser, executive, workers = 8, syntheses = 2, ...options }: ResearchOptions): ReturnType<typeof supervisor> {
  if (![workers, syntheses].every(count => Number.isInteger(count) && count >= 1) || syntheses > workers) {
    throw new TroupeError('config/invalid', `pattern '${options.name}': workers and syntheses must be whole numbers from 1, not more syntheses than workers, not ${workers} and ${syntheses}`)
  }
  const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
  const teams = names('team', syntheses)
  const teamOf = (index: number): Branch => {
    const own = names('worker', workers).filter((_, place) => place % syntheses === index)
    return {
      manager: synthesise(({ question, sources }) => shareOut(sources, own.length).map((share, place) => ({ member: own[place] ?? '', task: { question, sources: share } satisfies WorkerTask }))),
      members: { ...Object.fromEntries(own.map(name => [name, checked(worker)])), [SYNTHESIS]: checked(synthesiser) },
    }
  }
  return hierarchical({
    ...options,
    manager: synthesise(({ question, sources }) => {
      const shares = shareOut(sources, workers)
      return teams.map((member, index) => ({ member, task: { question, sources: shares.filter((_, place) => place % syntheses === index).flat() } satisfies ResearchTask }))
    }),
    members: { ...Object.fromEntries(teams.map((name, index) => [name, teamOf(index)])), [SYNTHESIS]: checked(executive) },
  })
}

const checked = (entry: Member | MemberOptions): MemberOptions => ({ validate: finding, ...(typeof entry === 'object' && 'member' in entry ? entry : { member: entry }) })

const shareOut = (sources: readonly unknown[], shares: number): unknown[][] => Array.from({ length: shares }, (_, share) => sources.filter((__, index) => index % shares === share))

type Plan = (task: ResearchTask) => readonly { readonly member: string; readonly task: WorkerTask | ResearchTask }[]

/** Gives out the shares that have sources, then what came of them to the synthesis, whose answer it takes with what may be cited. */
const synthesise = (plan: Plan) => ({ task, turn, reports }: Briefing): Decision => {
  const { question, sources } = task as ResearchTask
  if (turn === 1) return { kind: 'delegate', tasks: plan({ question, sources }).filter(({ task: { sources: share } }) => share.length > 0) as Extract<Decision, { kind: 'delegate' }>['tasks'] }
  const parts = reports.filter(({ member }) => member !== SYNTHESIS)
  const findings = parts.filter(isFound).map(({ output }) => output as Finding)
  if (findings.length === 0) throw new Error(`nothing was found: ${parts.map(whyMissing).join('; ')}`)
  if (turn === 2) return { kind: 'delegate', tasks: [{ member: SYNTHESIS, task: { question, findings, missing: parts.filter(part => !isFound(part)).map(whyMissing) } satisfies SynthesisTask }] }
  const last = reports.at(-1) as Report
  if (!isFound(last)) throw new Error(whyMissing(last))
  return { kind: 'finish', answer: withCitations(last.output as Finding, findings) }
}

const isFound = ({ status }: Report): boolean => status === 'done'
const whyMissing = ({ member, status, reason }: Report): string => `${member} is ${status}: ${reason ?? ''}`
const placeOf = ({ source, line }: Citation): string => `${source}:${line ?? ''}`

function withCitations({ text, citations }: Finding, findings: readonly Finding[]): Finding {
  const known = new Map(findings.flatMap(found => found.citations).map(cited => [placeOf(cited), cited]))
  const kept = citations.length === 0 ? [...known.keys()] : citations.map(placeOf)
  return { text, citations: [...new Set(kept)].flatMap(place => known.get(place) ?? []) }
}
