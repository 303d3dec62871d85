import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { createRuntime } from 'troupe'
import { clientConformance } from '../support/client-conformance.ts'
import type { ClientWorld } from '../support/client-conformance.ts'
import { clientMachines } from '../support/client-machines.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-client-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

async function open(store: string): Promise<ClientWorld> {
  const runtime = await createRuntime({ machines: clientMachines, store, onError: () => undefined })
  return { runtime, client: caller => runtime.client(caller), [Symbol.asyncDispose]: () => runtime.close() }
}

clientConformance('of memory', () => open('memory:'))
clientConformance('of SQLite', () => open(`sqlite:${join(folder, `${++files}.db`)}?synchronous=NORMAL`))
