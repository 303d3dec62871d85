import { existsSync } from 'node:fs'
import type { Client } from '../core/client/client.ts'
import { TroupeError } from '../core/errors.ts'
import type { Place, Use } from './command.ts'
import type { Output } from './output/output.ts'
import { findServer } from './running-server.ts'

export interface Connection {
  readonly client: Client
  close(): Promise<void>
}

/** Finds the runtime that a command is about: a server, or a store that it opens itself. */
export async function connect(place: Place, use: Use, out: Output): Promise<Connection> {
  if (place.url !== undefined && place.store !== undefined) throw new TroupeError('usage/invalid', 'name either --url or --store')
  if (place.store !== undefined) return openStore(place.store, place.config, use)
  const url = place.url ?? findServer()?.url
  if (url === undefined) {
    throw new TroupeError('config/invalid', 'there is nothing to talk to: start `troupe dev` in this folder, or name a server (--url http://host:4747) or a store (--store sqlite:./data/app.db)')
  }
  return reachServer(url, place.key, isOpen => out.note(isOpen ? `the server at ${url} answers again` : waitingFor(url)))
}

/** Said by what goes on by itself when the server comes back. */
export const waitingFor = (url: string): string => `the server at ${url} does not answer; waiting for it (ctrl-c ends)`

export async function reachServer(url: string, given: string | undefined, onConnection?: (isOpen: boolean) => void): Promise<Connection> {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new TroupeError('usage/invalid', `--url must be a URL such as http://127.0.0.1:4747, not '${url}'`)
  const key = given ?? process.env['TROUPE_KEY']
  const { createClient } = await import('../client/index.ts')
  return { client: createClient({ url, ...(key !== undefined && { key }), ...(onConnection && { onConnection }) }), close: () => Promise.resolve() }
}

/** Whoever only reads needs no machines, and leaves the partitions to those who run them. */
async function openStore(store: string, config: string | undefined, use: Use): Promise<Connection> {
  const { findConfig, loadConfig } = await import('./config.ts')
  refuseMissing(store)
  const isReader = use === 'read'
  const { server: _, queues, ...options } = isReader && findConfig(config) === undefined ? { machines: {} } : await loadConfig(config)
  const { createRuntime } = await import('../create-runtime.ts')
  const runtime = await createRuntime({ ...options, ...(!isReader && queues && { queues }), store }, { isReader })
  return { client: runtime.client(), close: () => runtime.close() }
}

/** A slip of the pen must not make a new, empty store. */
function refuseMissing(store: string): void {
  const path = /^sqlite:([^?]+)/.exec(store)?.[1]
  if (path !== undefined && !existsSync(path)) throw new TroupeError('config/invalid', `there is no store at ${path}: name the file that your runtime writes`)
  if (store === 'memory:') throw new TroupeError('usage/invalid', '--store memory: would be empty: name a server with --url')
}
