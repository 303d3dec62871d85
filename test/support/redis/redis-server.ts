import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { makeFastTempDir } from '../temp-dir.ts'
import type { Authority, Certificate } from './certificates.ts'
import { findRedis } from './find-redis.ts'
import { openClient } from './open-client.ts'
import { pickPort, PORT_PICKS_MAX } from './pick-port.ts'
import { spawnBound } from './spawn-bound.ts'
import type { BoundProcess } from './spawn-bound.ts'

export interface RedisOptions {
  /** Lines of the configuration by directive; they override the quiet defaults, except where the server listens. */
  readonly config?: Readonly<Record<string, string>>
  /** Where its files are; one given is kept, else a temporary folder is made and removed. */
  readonly folder?: string
  /** What stands in its folder when it starts for the first time, by file name. */
  readonly files?: Readonly<Record<string, string>>
  readonly port?: number
  readonly cluster?: boolean
  /** Listens for TLS too, on the port above its own. */
  readonly tls?: Certificate & Pick<Authority, 'ca'>
}

/** A server of our own on 127.0.0.1, which ends with this process at the latest. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly tlsPort: number
  readonly url: string
  readonly folder: string
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number
  /** What it has logged since it was started or started again. */
  readonly log: string
  /** Sends a signal; resolves when the process has ended, or at once if the signal does not end it. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again on the same port and folder; kills it first if it runs. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** Sends a command as the default user; rejects with what the server refuses. */
  command(...args: readonly [string, ...(string | number)[]]): Promise<unknown>
}

/** No files, no waiting: what a test wants to be otherwise, it says. */
const DEFAULTS = { save: '""', appendonly: 'no', 'enable-debug-command': 'local', 'repl-diskless-sync-delay': '0' }
const CLUSTER = { 'cluster-enabled': 'yes', 'cluster-config-file': 'nodes.conf' }

const START_MS_MAX = 20_000

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = await findRedis()
  const folder = options.folder ?? await makeFastTempDir()
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text)
  for (let pick = 1; ; pick++) {
    const server = new OwnServer(program, options, folder, options.port ?? pickPort())
    try {
      await server.start()
      return server
    } catch (error) {
      await server.kill()
      if (options.port === undefined && server.log.includes('Address already in use') && pick < PORT_PICKS_MAX) continue
      await server.stop()
      throw error
    }
  }
}

class OwnServer implements RedisServer {
  readonly port: number
  readonly tlsPort: number
  readonly url: string
  readonly folder: string
  log = ''
  readonly #program: string
  readonly #options: RedisOptions
  #process: BoundProcess | undefined
  #client: Redis | undefined

  constructor(program: string, options: RedisOptions, folder: string, port: number) {
    this.#program = program
    this.#options = options
    this.folder = folder
    this.port = port
    this.tlsPort = port + 1
    this.url = `redis://127.0.0.1:${port}`
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  async start(): Promise<void> {
    const { config, cluster, tls } = this.#options
    // Later lines override earlier ones, and `include` stands for the lines of its file.
    const where = { bind: '127.0.0.1', port: String(this.port), dir: this.folder, daemonize: 'no', logfile: '""' }
    const lines = [DEFAULTS, cluster ? CLUSTER : {}, tls ? this.#listenForTls(tls) : {}, config ?? {}, where].flatMap(part => Object.entries(part))
    const path = join(this.folder, 'test.conf')
    await writeFile(path, lines.map(([key, value]) => `${key} ${value}\n`).join(''))
    this.log = ''
    this.#process = await spawnBound(this.#program, [path])
    await this.#ready(this.#process)
  }

  /** The nodes of a cluster that listens for TLS speak it among each other too: else they would tell clients the other port. */
  #listenForTls({ ca, cert, key }: NonNullable<RedisOptions['tls']>): Readonly<Record<string, string>> {
    return { 'tls-port': String(this.tlsPort), 'tls-ca-cert-file': ca, 'tls-cert-file': cert, 'tls-key-file': key, ...(this.#options.cluster && { 'tls-cluster': 'yes' }) }
  }

  /** Its own log says so, not an answer on the port: that might be another server's, which had the port before. */
  async #ready(child: BoundProcess): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (why: string): void => reject(new Error(`redis-server on port ${this.port} ${why}:\n${this.log}`))
    const timer = setTimeout(() => fail(`is not ready after ${START_MS_MAX} ms`), START_MS_MAX)
    child.stdout.on('data', (text: Buffer) => {
      this.log += text.toString()
      if (this.log.includes('Ready to accept connections')) resolve()
    })
    child.stderr.on('data', (text: Buffer) => (this.log += text.toString()))
    child.once('error', error => fail(error.message))
    // Not `exit`: what it said last would be missing.
    child.once('close', code => fail(`has ended with ${code}`))
    await promise.finally(() => clearTimeout(timer))
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await ended
  }

  async restart(): Promise<void> {
    await this.kill()
    this.#client?.disconnect()
    await this.start()
  }

  /** Not by a polite signal: a server that a test has frozen would not hear it. */
  async stop(): Promise<void> {
    this.#client?.disconnect()
    await this.kill()
    if (this.#options.folder === undefined) await rm(this.folder, { recursive: true, force: true })
  }

  command(...[name, ...args]: readonly [string, ...(string | number)[]]): Promise<unknown> {
    if (this.#client === undefined || this.#client.status === 'end') this.#client = openClient(this.url)
    return this.#client.call(name, ...args)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
