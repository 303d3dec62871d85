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

/** P13: what still waits, or is left of what has waited, with its size; nothing when all is at rest. */
export async function unrest({ prefix, serverOf }: Place): Promise<readonly string[]> {
  const found: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const server = await serverOf(partition)
    await Promise.all(Object.entries(WAITING).flatMap(([size, names]) => names.map(async name => {
      const count = Number(await server.command(size, `{${prefix}:${partition}}:${name}`))
      if (count !== 0) found.push(`${count} in ${name} of partition ${partition}`)
    })))
  }
  return found
}
