import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Run } from '../command.ts'
import { host } from '../dev/host.ts'
import type { HostOptions } from '../dev/host.ts'
import { KEYS_FILE } from './keys.ts'

export const serve: Run<HostOptions> = async ({ options, out, signal }) => {
  const keys = options.keys ?? (existsSync(KEYS_FILE) ? KEYS_FILE : undefined)
  const { url, store, machines, close } = await host({ ...options, ...(keys !== undefined && { keys }) })
  out.answer({ url, store, machines, pid: process.pid }, () => {
    out.line('Serving ', out.paint('bold', url), keys === undefined ? ' to this machine, without keys' : ` with the keys of ${keys}`)
    out.line(`${machines.length} machines over ${store}; ctrl-c ends it.`)
  })
  if (!signal.aborted) await once(signal, 'abort')
  if (!out.json) out.note('Ending: what was accepted is committed, tasks are handed back.')
  await close()
  return 0
}
