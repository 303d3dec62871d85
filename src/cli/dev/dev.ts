import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { TroupeError, fromErrorInfo } from '../../core/errors.ts'
import type { Call, Run } from '../command.ts'
import { findConfig } from '../config.ts'
import type { Output } from '../output/output.ts'
import type { Text } from '../output/text.ts'
import { findServer } from '../running-server.ts'
import { versionOf } from '../version-of.ts'
import type { Fact } from './child.ts'
import { freePort } from './free-port.ts'
import type { HostOptions } from './host.ts'
import { keyPresses } from './key-presses.ts'
import { FileWatch } from './watch-files.ts'

interface Options {
  readonly port?: number
  readonly watch: boolean
}

/** Where the config names none. */
const STORE = 'sqlite:./.troupe/dev.db'
const PORT = 4747
/** A process that does not end by itself is killed: everything accepted is in the store. */
const PATIENCE_MS = 10_000
/** Ends as quick as this, so often one after the other, would only go on. */
const QUICK_MS = 2_000
const QUICK_ENDS_MAX = 3
/** Exit code of machines that cannot be run; it has said why. */
const BROKEN = 1

/**
 * Watches, and runs the machines in a process of its own: a change ends that one gracefully and begins another, which goes on
 * from the store.
 */
export const dev: Run<Options> = async call => {
  const { options, out, signal } = call
  const config = findConfig(options.config)
  if (config === undefined) throw new TroupeError('config/invalid', `there is no troupe.config.ts in ${process.cwd()}: make a project with \`troupe init\`, or name a module that exports machines with --config`)
  const other = findServer()
  if (other) throw new TroupeError('config/invalid', `a server of this folder runs already (${other.url}, pid ${other.pid}): end it first`)
  const session = new Session(call, { config, otherwise: STORE, ...(options.store !== undefined && { store: options.store }), port: options.port ?? (await freePort(PORT)) })
  const stopKeys = keyPresses(out, { q: () => session.end(), r: () => session.restart('r was pressed') })
  signal.addEventListener('abort', () => session.end())
  try {
    await session.run()
  } finally {
    stopKeys()
  }
  return 0
}

class Session {
  readonly #call: Call<Options>
  readonly #setting: HostOptions
  readonly #files: FileWatch | undefined
  #child: ChildProcess | undefined
  #isEnding = false
  #isAgain = true
  #starts = 0
  #quickEnds = 0
  #wake: () => void = () => undefined

  constructor(call: Call<Options>, setting: HostOptions) {
    this.#call = call
    this.#setting = setting
    this.#files = call.options.watch ? new FileWatch(path => this.restart(`${path.slice(process.cwd().length + 1)} has changed`)) : undefined
    this.#files?.add(resolve(setting.config ?? ''))
  }

  /** Runs until `end`, or, without watching, until the machines' process ends. */
  async run(): Promise<void> {
    while (!this.#isEnding) {
      this.#isAgain = false
      await this.#runOnce()
      if (this.#isEnding) break
      if (!this.#files) throw new TroupeError('config/invalid', 'the machines could not be run')
      if (!this.#isAgain) await new Promise<void>(wake => (this.#wake = wake))
    }
    this.#files?.close()
  }

  restart(why: string): void {
    const { out } = this.#call
    if (this.#isAgain || this.#isEnding) return
    this.#isAgain = true
    this.#quickEnds = 0
    if (out.json) out.item({ restart: why })
    else out.line(out.paint('yellow', '↻'), ` ${why}`)
    void this.#stopChild()
    this.#wake()
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (!this.#call.out.json) this.#call.out.note('Ending; the next `troupe dev` goes on from here.')
    void this.#stopChild()
    this.#wake()
  }

  async #runOnce(): Promise<void> {
    const script = new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url)
    const child = fork(script, [JSON.stringify(this.#setting)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'] })
    this.#child = child
    const begun = performance.now()
    child.on('message', (fact: Fact) => this.#hear(fact, begun))
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    this.#child = undefined
    if (this.#isEnding || this.#isAgain || code === BROKEN) return
    this.#quickEnds = performance.now() - begun > QUICK_MS ? 0 : this.#quickEnds + 1
    this.#isAgain = this.#quickEnds < QUICK_ENDS_MAX && this.#files !== undefined
    this.#call.out.note(`The machines' process has ended (${signal ?? `exit code ${code}`}); ${this.#isAgain ? 'another goes on from the store.' : 'a change or r starts it again.'}`)
  }

  #hear(fact: Fact, begun: number): void {
    const { out } = this.#call
    if (fact.fact === 'file') this.#files?.add(fact.path)
    else if (fact.fact === 'failed') {
      out.error(fromErrorInfo(fact.error))
      if (this.#files && !out.json) out.note('Waiting for a change.')
    } else if (out.json) out.item({ url: fact.url, store: fact.store, machines: fact.machines, pid: this.#child?.pid, start: ++this.#starts })
    else if (this.#starts++ > 0) out.line(out.paint('green', '✔'), ` ready again after ${Math.round(performance.now() - begun)} ms: ${fact.machines.join(', ')}`)
    else greet(out, fact, this.#files !== undefined)
  }

  async #stopChild(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null) return
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    child.once('exit', () => clearTimeout(timer))
    child.kill('SIGTERM')
  }
}

function greet(out: Output, { url, machines, store }: Extract<Fact, { fact: 'ready' }>, isWatching: boolean): void {
  const row = (name: string, value: Text): void => out.line('  ', out.paint('dim', name.padEnd(11)), value)
  out.line('')
  out.line('  ', out.paint('bold', `troupe ${versionOf()}`))
  out.line('')
  row('Inspector', out.paint('cyan', url))
  row('API', `${url}/api/docs`)
  row('Store', store)
  row('Machines', machines.join(', ') || 'none')
  out.line('')
  out.line('  Try in another terminal:')
  out.line(`    troupe start ${machines[0] ?? 'MACHINE'}`)
  out.line('    troupe actors --watch')
  out.line('')
  out.line(out.paint('dim', `  ${isWatching ? 'A change of a module restarts them, and they go on. ' : ''}${process.stdin.isTTY ? 'r restarts, q ends.' : 'Ctrl-c ends it.'}`))
}
