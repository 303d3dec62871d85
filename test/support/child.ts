import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A child process that answers with lines of JSON. */
export interface Child extends AsyncDisposable {
  readonly process: ChildProcess
  /** The next line; rejects when the child ends without one. */
  next(): Promise<unknown>
  /** All lines until the child ends. */
  rest(): Promise<readonly unknown[]>
  kill(signal: NodeJS.Signals): Promise<void>
}

/** Starts a script of this folder, by `wrap` in another namespace if need be. */
export function startChild(script: string, args: readonly string[], wrap: readonly string[] = []): Child {
  const [command = '', ...rest] = [...wrap, process.execPath, '--disable-warning=ExperimentalWarning', fileURLToPath(new URL(script, import.meta.url)), ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${script} ${args.join(' ')} ended without an answer`)
    return JSON.parse(value)
  }
  return {
    process: child,
    next,
    async rest() {
      const facts: unknown[] = []
      for (let line = await lines.next(); !line.done; line = await lines.next()) facts.push(JSON.parse(line.value))
      await ended
      return facts
    },
    async kill(signal) {
      child.kill(signal)
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}
