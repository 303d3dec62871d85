import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './processes.ts'

export const hasTerminals = spawnSync('python3', ['-c', 'import pty']).status === 0

export interface Terminal extends AsyncDisposable {
  /** All that was written to the screen so far. */
  shown(): string
  type(text: string): void
  resize(columns: number, rows: number): void
  until(what: RegExp): Promise<void>
  readonly ended: Promise<number | null>
}

/** A command as a person sees it. */
export function openTerminal({ cwd, columns = 80, rows = 24, env = {} }: { readonly cwd: string; readonly columns?: number; readonly rows?: number; readonly env?: NodeJS.ProcessEnv }, ...command: readonly string[]): Terminal {
  // What says that nobody looks: here somebody does.
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env
  const child = spawn('python3', [join(import.meta.dirname, 'terminal.py'), String(columns), String(rows), ...command], { cwd, env: { ...inherited, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), TERM: 'xterm-256color', ...env } })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (data: string) => (out += data))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    shown: () => out,
    type: text => void child.stdin.write(text),
    resize: (width, height) => void child.stdin.write(`\u0000resize ${width} ${height}`),
    until: async what => {
      await waitUntil(String(what), () => what.test(out), 30_000).catch((error: unknown) => {
        throw new Error(`${(error as Error).message} in ${JSON.stringify(out.slice(-2_000))}`)
      })
    },
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
