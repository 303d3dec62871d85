/** The examples as a user runs them: real processes, real files, real kills. */
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const EXAMPLES = join(import.meta.dirname, '../../examples')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly error: string
}

export type ExampleProcess = ReturnType<typeof startExample>

/** Starts an example (its `main.ts`, or the file that is named) in a folder; `end` gives what became of it. */
export function startExample(cwd: string, example: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, ['--conditions=troupe-source', join(EXAMPLES, example.endsWith('.ts') ? example : `${example}/main.ts`), ...args], { cwd, env: { ...process.env, NODE_OPTIONS: '' } })
  let out = ''
  let error = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text))
  const end = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, error }))
  })
  return { kill: (signal: NodeJS.Signals) => child.kill(signal), end, said: () => out, stopReading: () => child.stdout.destroy(), type: (text: string) => child.stdin.write(text), endInput: () => child.stdin.end() }
}

/** Kills a process once something is so; tells what became of it. */
export async function killWhen(process: ExampleProcess, signal: NodeJS.Signals, isTime: () => boolean): Promise<Ended> {
  let isOver = false
  void process.end.then(() => (isOver = true))
  while (!isOver && !isTime()) await sleep(5)
  process.kill(signal)
  return process.end
}

export function writeFiles(cwd: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), text)
  }
}

/** More files than a killed run can finish; each has one finding of its own. */
export function plantMany(cwd: string, count: number): readonly string[] {
  const paths = Array.from({ length: count }, (_, index) => `f${String(index).padStart(2, '0')}.ts`)
  writeFiles(cwd, Object.fromEntries(paths.map((path, index) => [`code/${path}`, `${'\n'.repeat(index)}export const v${index} = ${index}\n`])))
  return paths
}
