import type { Redis } from 'ioredis'
import type { Store, StoreSize } from '../../core/store.ts'
import { parseInfo } from './boot-check.ts'
import type { Connection } from './connection.ts'

/** Memory in use, and `maxmemory` where it is set. */
export function createSize(connection: Connection): NonNullable<Store['size']> {
  return () =>
    connection.call(async client => {
      const sizes = await Promise.all(('nodes' in client ? client.nodes('master') : [client]).map(sizeOf))
      const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0)
      // A cluster is as full as its fullest primary: beyond that one's limit nothing is taken for its slots.
      const fullest = sizes.reduce((share, size) => Math.max(share, size.bytes / (size.bytesMax ?? Infinity)), 0)
      return { bytes, bytesMax: fullest > 0 ? Math.round(bytes / fullest) : undefined }
    })
}

async function sizeOf(node: Redis): Promise<StoreSize> {
  const info = parseInfo(await node.info('memory'))
  const bytesMax = Number(info['maxmemory'] ?? 0)
  // What is on its way to replicas and to the disk does not count against maxmemory.
  return { bytes: Number(info['used_memory']) - Number(info['mem_not_counted_for_evict'] ?? 0), bytesMax: bytesMax > 0 ? bytesMax : undefined }
}
