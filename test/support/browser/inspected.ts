import { createRuntime } from 'troupe'
import { createServer } from 'troupe/server'
import { parcel, wheel } from './machines.ts'

/** A runtime with actors to look at, served with its inspector; `url` is where. */
export async function startInspected() {
  const runtime = await createRuntime({ machines: { parcel, wheel }, store: 'memory:', onError: () => undefined })
  const server = await createServer({ runtime, port: 0 })
  const close = async (): Promise<void> => {
    await server.close()
    await runtime[Symbol.asyncDispose]()
  }
  return { runtime, client: runtime.client(), url: server.url, close, [Symbol.asyncDispose]: close }
}

export type Inspected = Awaited<ReturnType<typeof startInspected>>
