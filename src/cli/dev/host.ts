import { TroupeError } from '../../core/errors.ts'
import type { Config } from '../config.ts'
import { loadConfig } from '../config.ts'
import { announceServer, retractServer } from '../running-server.ts'

export interface HostOptions {
  readonly config?: string
  readonly store?: string
  /** Where neither the command line nor the config names one. */
  readonly otherwise?: string
  readonly host?: string
  readonly port?: number
  readonly keys?: string
  readonly ui?: boolean
}

export interface Hosted {
  readonly url: string
  readonly store: string
  readonly machines: readonly string[]
  close(): Promise<void>
}

/** Runs the machines of a config behind a server, and says so in the folder. */
export async function host(options: HostOptions): Promise<Hosted> {
  const { server: configured, store: own, ...config } = await loadConfig(options.config)
  const store = options.store ?? own ?? options.otherwise
  if (store === undefined) throw new TroupeError('config/invalid', 'which store? Name it with --store, such as sqlite:./data/app.db, or export `store` from the config')
  const { createRuntime } = await import('../../create-runtime.ts')
  const runtime = await createRuntime({ ...config, store })
  try {
    const { createServer } = await import('../../create-server.ts')
    const server = await createServer({ ...serverOptions(configured, options), runtime })
    announceServer({ pid: process.pid, url: server.url })
    const close = async (): Promise<void> => {
      retractServer()
      await server.close()
      await runtime.close()
    }
    return { url: server.url, store: withoutPassword(store), machines: Object.keys(config.machines), close }
  } catch (error) {
    await runtime.close()
    throw error
  }
}

/** What is said on the command line comes before the config. */
const serverOptions = (configured: Config['server'], { host: name, port, keys, ui }: HostOptions) => ({
  ...configured, ...(name !== undefined && { host: name }), ...(port !== undefined && { port }), ...(keys !== undefined && { keys }), ...(ui !== undefined && { ui }),
})

/** It is shown, and stands in logs. */
const withoutPassword = (store: string): string => store.replace(/\/\/[^@/]*@/, '//…@')
