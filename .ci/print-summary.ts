/** Prints what Vitest's JSON report says; its last line is "N passed, N failed". */
import { readFileSync } from 'node:fs'

type Report = {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function readReport(path: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report
  } catch (error) {
    console.log(`no test report: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const report = readReport(process.argv[2] ?? '')
let failed = report ? report.numFailedTests : 1

for (const file of report?.testResults ?? []) {
  const failures = file.assertionResults.filter((result) => result.status === 'failed')
  for (const { fullName } of failures) console.log(`failed: ${fullName} (${file.name})`)
  // A file that could not be loaded has no failed test of its own, but it has failed.
  if (file.status === 'failed' && failures.length === 0) {
    console.log(`failed: ${file.name}`)
    failed += 1
  }
}

const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${report?.numPassedTests ?? 0} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
