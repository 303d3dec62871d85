import { rename, writeFile } from 'node:fs/promises'
import { ruleNames, rules } from './analyse/finding.ts'
import type { Finding, Rule } from './analyse/finding.ts'
import type { CrewContext, Failure } from './coordinator.ts'

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
}

/** The reviews and the comparison as one list by file; the same for the same files, in whatever order they came. */
export function reportInput({ settings, folder, files, reviews, failures, comparison }: CrewContext): ReportInput {
  const reviewed = reviews.map(({ path, findings, more }) => {
    const all = [...findings, ...(comparison?.findings ?? []).filter(finding => finding.path === path)]
    return { path, more, findings: all.toSorted((a, b) => a.line - b.line || ruleNames.indexOf(a.rule) - ruleNames.indexOf(b.rule)) }
  })
  const seen = new Set([...reviews, ...failures].map(({ path }) => path))
  return {
    out: settings.out,
    folder,
    lines: reviews.reduce((sum, { lines }) => sum + lines, 0),
    files: reviewed.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    failures: failures.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    unreviewed: files.filter(path => !seen.has(path)),
    more: comparison?.more ?? 0,
  }
}

/** Writes the report beside its place and moves it there, so that nobody ever reads half of one. */
export async function writeReport(input: ReportInput): Promise<ReportSummary> {
  const summary = summarize(input)
  const draft = `${input.out}.${process.pid}.tmp`
  await writeFile(draft, renderReport(input, summary))
  await rename(draft, input.out)
  return summary
}

function summarize({ out, lines, files, failures, unreviewed, more }: ReportInput): ReportSummary {
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
  }
}

function renderReport({ folder, files, failures, unreviewed, more }: ReportInput, summary: ReportSummary): string {
  const found = files.filter(file => file.findings.length > 0)
  const lines = [
    `# Review of ${folder}`,
    '',
    `${count(summary.files, 'file')}, ${count(summary.lines, 'line')} of code, ${count(summary.findings, 'finding')} in ${count(found.length, 'file')}.`,
    ...section('Not reviewed: the deadline came first', unreviewed.map(path => `- \`${path}\``)),
    ...section('Not reviewed: the review failed', failures.map(({ path, reason }) => `- \`${path}\`: ${reason}`)),
    ...section('By rule', tableOf(summary)),
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

const renderFile = ({ path, findings, more }: ReviewedFile): readonly string[] => [
  `### ${path}`,
  '',
  ...findings.map(({ line, rule, text }) => `- \`${path}:${line}\` **${rule}**: ${text}`),
  ...(more > 0 ? [`- … and ${more} more`] : []),
  '',
]

/** `1 file`, `2 files`, `1,200 lines`. */
export const count = (number: number, noun: string): string => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
