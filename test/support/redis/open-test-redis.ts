import { randomBytes } from 'node:crypto'
import { openClient } from './open-client.ts'
import { startRedis } from './redis-server.ts'

export interface TestRedis extends AsyncDisposable {
  readonly url: string
  /** For nobody else: keys begin with `{<prefix>:`, channels with `<prefix>:`. */
  readonly prefix: string
  close(): Promise<void>
}

const KEYS_PER_SCAN = 1_000

/**
 * A Redis for one test: a server of its own, which is there in 15 ms, or the one that `REDIS_URL` names, from which the
 * keys of the prefix are deleted in the end.
 */
export async function openTestRedis(sharedUrl: string | undefined = process.env['REDIS_URL']): Promise<TestRedis> {
  const prefix = `test-${randomBytes(6).toString('hex')}`
  if (sharedUrl !== undefined) {
    const close = () => deleteKeys(sharedUrl, prefix)
    return { url: sharedUrl, prefix, close, [Symbol.asyncDispose]: close }
  }
  const server = await startRedis()
  const close = () => server.stop()
  return { url: server.url, prefix, close, [Symbol.asyncDispose]: close }
}

async function deleteKeys(url: string, prefix: string): Promise<void> {
  const client = openClient(url)
  try {
    for await (const keys of client.scanStream({ match: `{${prefix}:*`, count: KEYS_PER_SCAN })) {
      if ((keys as readonly string[]).length > 0) await client.unlink(...(keys as readonly string[]))
    }
  } finally {
    client.disconnect()
  }
}
