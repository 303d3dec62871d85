import type { AnyActorLogic } from 'xstate'
import { createRuntime } from 'troupe'
import { createClient } from '../../src/client/index.ts'
import type { RemoteClient } from '../../src/client/index.ts'
import { createServer } from '../../src/create-server.ts'
import type { ServerOptions } from '../../src/create-server.ts'
import { counter } from './counter.ts'

export interface LiveRig extends AsyncDisposable {
  readonly url: string
  readonly client: RemoteClient
}

/** A real server over a real runtime, and a client of it. */
export async function liveRig(options: Partial<ServerOptions> & { readonly machines?: Record<string, AnyActorLogic>; readonly store?: string } = {}): Promise<LiveRig> {
  const { machines = { counter }, store = 'memory:', ...rest } = options
  const runtime = await createRuntime({ machines, store })
  const server = await createServer({ runtime, port: 0, ...rest })
  const client = createClient({ url: server.url })
  return {
    url: server.url,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close()
      await server.close()
      await runtime.close()
    },
  }
}

/** Waits for what is to come, and says so when it does not. */
export async function eventually<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>, ms = 10_000): Promise<T> {
  const until = performance.now() + ms
  while (performance.now() < until) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  throw new Error(`has not come within ${ms} ms: ${what}`)
}
