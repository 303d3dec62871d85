import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A child process that takes commands and tells facts, one line of JSON each. */
export interface Peer<TCommand> extends AsyncDisposable {
  readonly pid: number
  tell(command: TCommand): void
  /** Sends a signal to it; a dead process hears nothing. */
  signal(signal: NodeJS.Signals): void
  /** Kills it as `kill -9` does; resolves when all it has said is read. */
  kill(): Promise<void>
  /** How it ended, once all it has said is read. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts a script of this folder with the sources of `troupe`. */
export function startPeer<TCommand, TFact>(script: string, args: readonly string[], onFact: (fact: TFact) => void): Peer<TCommand> {
  const flags = ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning']
  // Where Node keeps what it has compiled by default: starts take a third of the time.
  const env = { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') }
  const child = spawn(process.execPath, [...flags, fileURLToPath(new URL(script, import.meta.url)), ...args], { stdio: ['pipe', 'pipe', 'inherit'], env })
  // What is written to a dead process is lost: whoever wrote it knows by the missing answer.
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => {
    // A killed process may leave half a line.
    if (line.endsWith('}')) onFact(JSON.parse(line) as TFact)
  })
  const allRead = once(lines, 'close')
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    await allRead
    return { code: code as number | null, signal: signal as NodeJS.Signals | null }
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  return {
    pid: child.pid ?? 0,
    tell: command => void child.stdin.write(`${JSON.stringify(command)}\n`),
    signal: signal => void child.kill(signal),
    kill,
    ended,
    [Symbol.asyncDispose]: kill,
  }
}

/** The other end: commands as they come, facts told. */
export async function* commands<TCommand>(): AsyncGenerator<TCommand> {
  // Node would do it at the end, which a killed process does not see.
  flushCompileCache()
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as TCommand
}

export const say = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`)

/** Waits until something is so. Throws after `timeoutMs`, with what was waited for. */
export async function waitUntil(why: string, holds: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`still waiting after ${timeoutMs} ms: ${why}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
