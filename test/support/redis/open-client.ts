import { Redis } from 'ioredis'

/**
 * A client that does only what it is told: it neither connects again nor sends a command twice, so that a test sees
 * what the server has said, and an answer that was lost stays lost.
 */
export function openClient(url: string): Redis {
  const client = new Redis(url, { lazyConnect: true, enableReadyCheck: false, disableClientInfo: true, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, retryStrategy: () => null })
  // What fails a connection fails its commands too, and they are awaited.
  client.on('error', () => undefined)
  return client
}
