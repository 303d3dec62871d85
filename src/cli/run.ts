import { CommanderError } from 'commander'
import { TroupeError } from '../core/errors.ts'
import type { Call, CommandRow, Place, Run } from './command.ts'
import { Output } from './output/output.ts'
import { createProgram } from './program.ts'
import { versionOf } from './version-of.ts'

const USAGE = 64
const SOFTWARE = 70
const IO = 74
const INTERRUPTED = 130
const TERMINATED = 143

/** Runs one command line, and gives back its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  const out = new Output(json)
  const end = new AbortController()
  let code = 0
  guardStreams(out, end)
  showWarnings(out)
  const interrupt = (signal: 'SIGINT' | 'SIGTERM') => {
    // The second time is meant.
    if (end.signal.aborted) process.exit(signal === 'SIGINT' ? INTERRUPTED : TERMINATED)
    code = signal === 'SIGINT' ? INTERRUPTED : TERMINATED
    end.abort(signal)
  }
  process.on('SIGINT', () => interrupt('SIGINT')).on('SIGTERM', () => interrupt('SIGTERM'))
  const program = createProgram(versionOf(), async (row, args, options) => {
    const given = await runRow(row, args, options as Place, out, end.signal)
    code = given ?? code
  })
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    // What was going on was called off.
    if (end.signal.aborted) return code
    out.error(error)
    return error instanceof TroupeError ? error.exitCode : SOFTWARE
  }
  return code
}

async function runRow(row: CommandRow, args: readonly string[], options: Place, out: Output, signal: AbortSignal): Promise<number | undefined> {
  const { use } = row
  const closers: (() => Promise<void>)[] = []
  const client: Call['client'] = async () => {
    const { connect } = await import('./connect.ts')
    const { client: found, close } = await connect(options, use ?? 'read', out)
    closers.push(close)
    return found
  }
  try {
    const command = (await row.load()) as Run
    return await command({ args, options, out, signal, client })
  } finally {
    for (const close of closers) await close()
  }
}

/** A reader that goes away (`troupe actors | head`) is no error; output that cannot be written is. */
function guardStreams(out: Output, end: AbortController): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') out.error(new Error(`the output cannot be written: ${error.message}`))
    end.abort(error.code)
    process.exit(error.code === 'EPIPE' ? 0 : IO)
  })
  process.stderr.on('error', () => undefined)
}

/** Node's own way shows them with a trace; that SQLite is an experimental module of Node is ours to know. */
function showWarnings(out: Output): void {
  process.removeAllListeners('warning').on('warning', warning => {
    if (warning.name !== 'ExperimentalWarning') out.note(`warning: ${warning.message}`)
  })
}
