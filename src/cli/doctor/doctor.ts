import type { Run } from '../command.ts'
import type { Output } from '../output/output.ts'
import { checkMachine } from './machine-checks.ts'
import { checkPackage } from './package-checks.ts'
import { checkServer } from './server-checks.ts'
import { checkStore } from './store-checks.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warn' | 'fail'
  readonly found: string
  /** What to change; absent where all is well. */
  readonly advice?: string
}

const MARKS = { ok: ['green', '✔'], warn: ['yellow', '!'], fail: ['red', '✘'] } as const

/** Exit code 1 when something is not as it must be. */
export const doctor: Run = async ({ options, out, signal }) => {
  const findings: Finding[] = []
  const add = (more: readonly Finding[]): void => {
    findings.push(...more)
    if (!out.json) for (const finding of more) tell(out, finding)
  }
  add(await checkPackage())
  add(await checkMachine())
  add(await checkStore(options))
  add(await checkServer(options, signal))
  const count = (verdict: Finding['verdict']): number => findings.filter(finding => finding.verdict === verdict).length
  out.answer({ ok: count('fail') === 0, findings }, () => out.note(`${count('ok')} in order, ${count('warn')} to look at, ${count('fail')} to change.`))
  return count('fail') === 0 ? undefined : 1
}

function tell(out: Output, { check, verdict, found, advice }: Finding): void {
  const [colour, mark] = MARKS[verdict]
  out.line(out.paint(colour, mark), ' ', check.padEnd(14), ' ', found)
  if (advice !== undefined) out.line(' '.repeat(17), out.paint('dim', '→ '), advice)
}
