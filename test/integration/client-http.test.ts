import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createRuntime } from 'troupe'
import type { Caller, Client } from 'troupe'
import { createClient } from '../../src/client/index.ts'
import type { ClientOptions } from '../../src/client/index.ts'
import { createKey, createServer } from '../../src/create-server.ts'
import { clientConformance } from '../support/client-conformance.ts'
import type { ClientWorld } from '../support/client-conformance.ts'
import { clientMachines } from '../support/client-machines.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-client-http-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const keys = join(folder, 'keys.json')
const ann: Caller = { name: 'ann', role: 'operator' }
const vera: Caller = { name: 'vera', role: 'viewer' }
const keyOf = new Map<string | null, string>()
for (const { name, role } of [ann, vera]) keyOf.set(name, (await createKey(keys, { name: name ?? '', role })).key)

/** A server for those without a key, and one for those with one, over one runtime. */
async function open(platform: Pick<ClientOptions, 'WebSocket'>): Promise<ClientWorld> {
  const runtime = await createRuntime({ machines: clientMachines, store: 'memory:', onError: () => undefined })
  const [plain, keyed] = await Promise.all([createServer({ runtime, port: 0 }), createServer({ runtime, port: 0, keys })])
  const clients: (Client & { close(): void })[] = []
  const client = (caller?: Caller): Client => {
    const made = createClient(caller ? { url: keyed.url, key: keyOf.get(caller.name) ?? '', ...platform } : { url: plain.url, ...platform })
    clients.push(made)
    return made
  }
  const close = async (): Promise<void> => {
    for (const made of clients) made.close()
    await Promise.all([plain.close(), keyed.close()])
    await runtime.close()
  }
  return { runtime, client, [Symbol.asyncDispose]: close }
}

clientConformance('over HTTP and a WebSocket', () => open({}))
clientConformance('over HTTP and server-sent events', () => open({ WebSocket: null }))
