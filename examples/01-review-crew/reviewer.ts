import type { AnyModel } from 'troupe/agents'
import { supervisor } from 'troupe/patterns'
import type { Briefing, Decision } from 'troupe/patterns'
import { ruleNames } from './analyse/finding.ts'
import type { Finding } from './analyse/finding.ts'
import { scout } from './scout.ts'
import type { Facts } from './scout.ts'
import { createSpecialists } from './specialists.ts'
import type { Trade } from './specialists.ts'

/** What comes of the review of one file. */
export interface Review extends Facts {
  readonly findings: readonly Finding[]
  /** Findings beyond those kept. */
  readonly more: number
}

/** The findings that are kept of one file. */
const FINDINGS_MAX = 20

/** Reviews one file: a supervisor whose lead sends a scout, then whom the file needs, and puts together what they say. */
export const createReviewer = (model: AnyModel) => supervisor({
  name: 'reviewer',
  description: 'reviews one source file',
  capabilities: ['review'],
  manager: lead,
  members: { scout, ...createSpecialists(model) },
  // A review without one of its parts would look like a clean file.
  onFailure: 'fail',
})

function lead({ task, reports }: Briefing): Decision {
  const [scouted, ...others] = reports
  if (!scouted) return { kind: 'delegate', tasks: [{ member: 'scout', task }] }
  const facts = scouted.output as Facts
  if (others.length === 0) return { kind: 'delegate', tasks: specialistsFor(facts).map(member => ({ member, task })) }
  return { kind: 'finish', answer: joined(facts, others.map(({ output }) => output as Pick<Review, 'findings' | 'retries'>)) }
}

const specialistsFor = ({ isTest, hasComments }: Facts): readonly Trade[] => ['structure', 'correctness', ...(isTest ? ['tests' as const] : []), ...(hasComments ? ['docs' as const] : [])]

/** Where there is too much to say, the gravest is kept. */
function joined(facts: Facts, opinions: readonly Pick<Review, 'findings' | 'retries'>[]): Review {
  const findings = opinions.flatMap(opinion => opinion.findings).toSorted((a, b) => ruleNames.indexOf(a.rule) - ruleNames.indexOf(b.rule) || a.line - b.line)
  return {
    ...facts,
    findings: findings.slice(0, FINDINGS_MAX),
    more: Math.max(0, findings.length - FINDINGS_MAX),
    retries: opinions.reduce((sum, { retries }) => sum + retries, facts.retries),
  }
}
