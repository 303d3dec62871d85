import { rename, writeFile } from 'node:fs/promises'
import { ruleNames, rules } from './analyse/finding.ts'
import type { PlacedFinding } from './analyse/duplicates.ts'
import type { Finding, Rule } from './analyse/finding.ts'
import type { CrewContext, Failure } from './coordinator.ts'
import { PEERS_MAX } from './look-alikes/swarm.ts'

export interface ReportInput {
  readonly out: string
  readonly folder: string
  readonly lines: number
  readonly files: readonly ReviewedFile[]
  readonly failures: readonly Failure[]
  /** Files that the deadline came before. */
  readonly unreviewed: readonly string[]
  /** Findings that no file's list holds. */
  readonly more: number
  /** Places of findings that look alike, and what they are. */
  readonly groups: readonly Group[]
  /** Findings that were not compared with others. */
  readonly incomparable: number
}

interface Group {
  readonly rule: Rule
  readonly places: readonly string[]
}

interface ReviewedFile {
  readonly path: string
  readonly findings: readonly Finding[]
  readonly more: number
}

export interface ReportSummary {
  readonly path: string
  readonly files: number
  readonly lines: number
  readonly findings: number
  readonly byRule: Readonly<Partial<Record<Rule, number>>>
  readonly failed: number
  readonly unreviewed: number
  /** Groups of findings that look alike. */
  readonly groups: number
}

/** The reviews and the comparison as one list by file; the same for the same files, in whatever order they came. */
export function reportInput(context: CrewContext): ReportInput {
  const { settings, folder, files, reviews, failures, comparison, groups } = context
  const seen = new Set([...reviews, ...failures].map(({ path }) => path))
  const reviewed = reviewedFiles(context)
  const compared = comparable(context)
  return {
    out: settings.out,
    folder,
    lines: reviews.reduce((sum, { lines }) => sum + lines, 0),
    files: reviewed,
    failures: failures.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    unreviewed: files.filter(path => !seen.has(path)),
    more: comparison?.more ?? 0,
    groups: groups.map(places => groupOf(places.flatMap(place => compared[place] ?? []))),
    incomparable: reviewed.reduce((sum, file) => sum + file.findings.length, 0) - compared.length,
  }
}

/** The findings that are compared with each other, in the order of the report. */
export const comparable = (context: CrewContext): readonly PlacedFinding[] =>
  reviewedFiles(context).flatMap(({ path, findings }) => findings.map(finding => ({ ...finding, path }))).slice(0, PEERS_MAX)

function reviewedFiles({ reviews, comparison }: CrewContext): readonly ReviewedFile[] {
  const shared = Map.groupBy(comparison?.findings ?? [], ({ path }) => path)
  const files = reviews.map(({ path, findings, more }) => {
    const all = [...findings, ...(shared.get(path) ?? [])]
    return { path, more, findings: all.toSorted((a, b) => a.line - b.line || ruleNames.indexOf(a.rule) - ruleNames.indexOf(b.rule)) }
  })
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const groupOf = (findings: readonly PlacedFinding[]): Group => ({ rule: findings[0]?.rule ?? 'remark', places: findings.map(({ path, line }) => `${path}:${line}`) })

/** Writes the report beside its place and moves it there, so that nobody ever reads half of one. */
export async function writeReport(input: ReportInput): Promise<ReportSummary> {
  const summary = summarize(input)
  const draft = `${input.out}.${process.pid}.tmp`
  await writeFile(draft, renderReport(input, summary))
  await rename(draft, input.out)
  return summary
}

/** The report in figures. */
export function summarize({ out, lines, files, failures, unreviewed, more, groups }: ReportInput): ReportSummary {
  const findings = files.flatMap(file => file.findings)
  const counts = Object.entries(Object.groupBy(findings, ({ rule }) => rule)).map(([rule, list]) => [rule, list.length])
  return {
    path: out,
    files: files.length,
    lines,
    findings: findings.length + files.reduce((sum, file) => sum + file.more, more),
    byRule: Object.fromEntries(counts) as Partial<Record<Rule, number>>,
    failed: failures.length,
    unreviewed: unreviewed.length,
    groups: groups.length,
  }
}

function renderReport({ folder, files, failures, unreviewed, more, groups, incomparable }: ReportInput, summary: ReportSummary): string {
  const found = files.filter(file => file.findings.length > 0)
  const lines = [
    `# Review of ${folder}`,
    '',
    `${count(summary.files, 'file')}, ${count(summary.lines, 'line')} of code, ${count(summary.findings, 'finding')} in ${count(found.length, 'file')}.`,
    ...section('Not reviewed: the deadline came first', unreviewed.map(path => `- \`${path}\``)),
    ...section('Not reviewed: the review failed', failures.map(({ path, reason }) => `- \`${path}\`: ${reason}`)),
    ...section('By rule', tableOf(summary)),
    ...section('Look-alikes', renderGroups(groups, incomparable)),
    ...section('By file', found.flatMap(renderFile)),
    ...(more > 0 ? ['', `… and ${more} more findings about several files.`] : []),
  ]
  return `${lines.join('\n')}\n`
}

const section = (title: string, lines: readonly string[]): readonly string[] => (lines.length === 0 ? [] : ['', `## ${title}`, '', ...lines])

function tableOf({ byRule }: ReportSummary): readonly string[] {
  const rows = ruleNames.flatMap(rule => (byRule[rule] ? [`| ${rule} | ${rules[rule]} | ${byRule[rule]} |`] : []))
  return rows.length === 0 ? [] : ['| rule | what it finds | findings |', '|---|---|---:|', ...rows]
}

const PLACES_MAX = 12

/** What is fixed in one place may be fixed in the same way in the others: the largest groups first. */
function renderGroups(groups: readonly Group[], incomparable: number): readonly string[] {
  if (groups.length === 0) return []
  const lines = groups.toSorted((a, b) => b.places.length - a.places.length).map(({ rule, places }) => {
    const more = places.length > PLACES_MAX ? ` and ${places.length - PLACES_MAX} more` : ''
    return `- ${places.length} × ${rule}: ${places.slice(0, PLACES_MAX).map(place => `\`${place}\``).join(', ')}${more}`
  })
  const rest = incomparable > 0 ? ['', `… and ${count(incomparable, 'finding')} that nothing was compared with.`] : []
  return ['Findings of one kind whose code looks alike: one fix may do for all of a group.', '', ...lines, ...rest]
}

const renderFile = ({ path, findings, more }: ReviewedFile): readonly string[] => [
  `### ${path}`,
  '',
  ...findings.map(({ line, rule, text }) => `- \`${path}:${line}\` **${rule}**: ${text}`),
  ...(more > 0 ? [`- … and ${more} more`] : []),
  '',
]

/** `1 file`, `2 files`, `1,200 lines`. */
export const count = (number: number, noun: string): string => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
