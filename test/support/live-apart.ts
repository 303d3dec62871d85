import { createClient } from '../../src/client/index.ts'
import type { LiveFact, Toll } from './live-process.ts'
import type { LiveRig, liveRig } from './live-rig.ts'
import { startPeer } from './processes.ts'

export interface LiveApart extends LiveRig {
  toll(): Promise<Toll>
}

/** `liveRig` with its server in a process of its own: a test that floods it does not count what the flood costs itself. */
export async function liveApart(options: Parameters<typeof liveRig>[0] = {}): Promise<LiveApart> {
  let told = Promise.withResolvers<LiveFact>()
  const peer = startPeer<object, LiveFact>('live-process.ts', [JSON.stringify(options)], fact => told.resolve(fact))
  void peer.ended.then(() => told.reject(new Error('the server has ended')))
  const { url } = (await told.promise) as { readonly url: string }
  const client = createClient({ url })
  return {
    url,
    client,
    toll() {
      told = Promise.withResolvers()
      peer.tell({})
      return told.promise as Promise<Toll>
    },
    [Symbol.asyncDispose]: async () => {
      client.close()
      told.promise.catch(() => undefined)
      await peer.kill()
    },
  }
}
