import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, Lab, Side } from './harness.ts'

const SIDE_MS_MAX = 300_000
const SIDE_PROCESS = fileURLToPath(new URL('side-process.ts', import.meta.url))
const SCRATCH = join(dirname(SIDE_PROCESS), '..', 'tmp')

const NODE_FLAGS = ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning', '--expose-gc']

/** What a side's process sends back. */
export type SideMessage = { readonly result: unknown } | { readonly error: string }

export interface LabOptions {
  readonly quick: boolean
  /** Folder for the CPU profiles: a folder in it for each side. */
  readonly profiles: string | undefined
}

/** Runs a bench with a lab of its own; what the lab has made is removed after. */
export async function withLab<T>(bench: Bench, { quick, profiles }: LabOptions, work: (lab: Lab) => Promise<T>): Promise<T> {
  mkdirSync(SCRATCH, { recursive: true })
  const folder = mkdtempSync(join(SCRATCH, `bench-${bench.name}-`))
  const running = new Set<ChildProcess>()
  const cleanUp = (): void => {
    for (const child of running) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const start = (side: Side, params: unknown, kill: boolean): Promise<unknown> => {
    const name = nameOf(bench, side)
    const child = fork(SIDE_PROCESS, [bench.name, name, JSON.stringify(params ?? null)], {
      execArgv: [...NODE_FLAGS, ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, `${bench.name}-${name}`)}`])],
      // Standard output belongs to the figures alone.
      stdio: ['ignore', 2, 'inherit', 'ipc'],
    })
    running.add(child)
    return resultOf(child, kill).finally(() => running.delete(child))
  }
  let files = 0
  const lab: Lab = {
    quick,
    measure: (side, params) => start(side as Side, params, false) as Promise<never>,
    measureAndKill: (side, params) => start(side as Side, params, true) as Promise<never>,
    file: name => join(folder, `${++files}-${name}`),
    say: text => process.stderr.write(`${bench.name}: ${text}\n`),
  }
  process.once('exit', cleanUp)
  try {
    return await work(lab)
  } finally {
    process.off('exit', cleanUp)
    cleanUp()
  }
}

function nameOf({ name, sides }: Bench, side: Side): string {
  const found = Object.entries(sides).find(([, candidate]) => candidate === side)?.[0]
  if (found === undefined) throw new Error(`${name} runs a side that is not among its sides`)
  return found
}

/** The result of a side, once its process has ended. */
function resultOf(child: ChildProcess, kill: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let message: SideMessage | undefined
    const timer = setTimeout(() => child.kill('SIGKILL'), SIDE_MS_MAX)
    child.once('message', (sent: SideMessage) => {
      message = sent
      if (kill) child.kill('SIGKILL')
      else child.disconnect()
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      if (message === undefined) reject(new Error(`a measuring process ended with ${signal ?? `exit code ${code}`} and no result`))
      else if ('error' in message) reject(new Error(message.error))
      else resolve(message.result)
    })
  })
}
