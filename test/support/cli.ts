import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { waitUntil } from './processes.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'src/cli/main.ts')
const FLAGS = ['--conditions=troupe-source', '--disable-warning=ExperimentalWarning']

/** The command line as a shell would start it, for tests that make the process themselves. */
export const cliCommand: readonly string[] = [process.execPath, ...FLAGS, MAIN]

const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { NO_COLOR: _, FORCE_COLOR: __, TROUPE_KEY: ___, ...inherited } = process.env
  return { ...inherited, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...more }
}

export interface Done {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running extends AsyncDisposable {
  readonly pid: number
  /** All it has written so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<number | null>
  type(text: string): void
  signal(signal: NodeJS.Signals): void
  /** Waits for something in what it writes. */
  until(what: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
}

export interface CliOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** Runs one command to its end. */
export async function cli({ cwd, env = {}, input = '' }: CliOptions, ...args: readonly string[]): Promise<Done> {
  const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], { cwd, env: environment(env), stdio: 'pipe' })
  child.stdin.on('error', () => undefined).end(input)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>])
  return { code, stdout, stderr }
}

/** Starts one that does not end by itself; it is killed when the test is over. */
export function startCli({ cwd, env = {} }: CliOptions, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [...FLAGS, MAIN, ...args], { cwd, env: environment(env), stdio: 'pipe' })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (data: string) => (out += data))
  child.stderr.setEncoding('utf8').on('data', (data: string) => (err += data))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    pid: child.pid ?? 0,
    stdout: () => out,
    stderr: () => err,
    ended,
    type: given => void child.stdin.write(given),
    signal: signal => void child.kill(signal),
    until: async (what, timeoutMs = 60_000) => {
      await waitUntil(String(what), () => what.test(out + err) || child.exitCode !== null, timeoutMs).catch((error: unknown) => {
        throw new Error(`${(error as Error).message} in:\n${out}${err}`)
      })
      const found = what.exec(out + err)
      if (!found) throw new Error(`it has ended without ${what}:\n${out}${err}`)
      return found
    },
    [Symbol.asyncDispose]: async () => {
      // Gracefully first: `dev` ends what it has started.
      if (child.exitCode === null) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** A folder from which `troupe`, `xstate` and `zod` can be imported as if they were installed. */
export function linkPackages(folder: string): void {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/troupe'))
  for (const name of ['xstate', 'zod']) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
}

const MACHINES = `
import { task } from 'troupe'
import { assign, setup } from 'xstate'

const charge = task({ retry: 1, run: ({ input }) => { if (input.cents < 0) throw new Error('cents are negative'); return 'receipt ' + input.cents } })
const order = setup({ actors: { charge } }).createMachine({
  id: 'order', initial: 'waiting', context: ({ input }) => ({ cents: input?.cents ?? 0, note: input?.note ?? '', receipt: null }),
  states: {
    waiting: { on: { PAY: 'paying', BREAK: { actions: () => { throw new Error('broken on purpose') } } }, after: { 3_600_000: 'late' } },
    paying: { invoke: { src: 'charge', input: ({ context }) => ({ cents: context.cents }), onDone: { target: 'paid', actions: assign({ receipt: ({ event }) => event.output }) }, onError: 'waiting' } },
    paid: { on: { SHIP: 'shipped' } },
    late: {},
    shipped: { type: 'final' },
  },
  output: ({ context }) => context.receipt,
})
export const machines = { order }
`

/** A project with an order that waits, is paid and is shipped. */
export function writeProject(folder: string): void {
  linkPackages(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "orders", "type": "module" }\n')
  writeFileSync(join(folder, 'machines.js'), MACHINES)
  writeFileSync(join(folder, 'troupe.config.js'), `export { machines } from './machines.js'\nexport const store = 'sqlite:./data/app.db'\n`)
}
