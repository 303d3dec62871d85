import { createHash } from 'node:crypto'
import { partitionOf } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import { assertInvariant } from '../../core/errors.ts'
import type { Connection } from './connection.ts'
import { PartitionKeys } from './keys.ts'

/** What every part of the store needs: the connection, and how this deployment names its keys. */
export interface Deployment {
  readonly connection: Connection
  readonly prefix: string
  readonly partitions: number
  /** Longer messages do not go into streams but into blobs, by the hash of their content. */
  readonly blobBytes: number
  keysOf(partition: number): PartitionKeys
  partitionOf(id: ActorId): number
}

export function createDeployment(connection: Connection, { prefix, partitions, blobBytes }: Pick<Deployment, 'prefix' | 'partitions' | 'blobBytes'>): Deployment {
  const keys = Array.from({ length: partitions }, (_, partition) => new PartitionKeys(prefix, partition))
  return {
    connection,
    prefix,
    partitions,
    blobBytes,
    partitionOf: id => partitionOf(id, partitions),
    keysOf(partition) {
      const found = keys[partition]
      assertInvariant(found !== undefined, `the store has no partition ${partition}`)
      return found
    },
  }
}

/** The hash under which a text goes into a blob; '' for one that is short enough for a stream. */
export function blobHash(text: string, blobBytes: number): string {
  return text.length > blobBytes ? createHash('sha256').update(text).digest('base64url') : ''
}
