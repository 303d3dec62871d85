import type { RedisServer } from '../redis/redis-server.ts'

export const PARTITIONS = 8

/** Where the keys of a store are. */
export interface Place {
  readonly prefix: string
  /** The server that has a partition now. */
  serverOf(partition: number): Promise<RedisServer>
}

/** Keys that hold what waits for something, by what tells their size. */
const WAITING = { XLEN: ['inbox', 'out'], LLEN: ['receivers'], HLEN: ['depth', 'parked', 'blobs', 'blobrefs'], ZCARD: ['due', 'unsettled'] }

/** P13: nothing waits any more, and nothing is left of what has waited. */
export async function isAtRest({ prefix, serverOf }: Place): Promise<boolean> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const server = await serverOf(partition)
    const sizes = await Promise.all(Object.entries(WAITING).flatMap(([size, names]) => names.map(name => server.command(size, `{${prefix}:${partition}}:${name}`))))
    if (sizes.some(size => size !== 0)) return false
  }
  return true
}
