import type { Commit, Store } from 'troupe'
import { openSqliteStore } from '../src/stores/sqlite/sqlite-store.ts'
import type { SqliteStoreOptions } from '../src/stores/sqlite/sqlite-store.ts'

/** A SQLite store that tells of each commit once it is durable. */
export async function openObservedStore(options: SqliteStoreOptions, committed: (commit: Commit) => void): Promise<Store> {
  const store = await openSqliteStore(options)
  return {
    ...store,
    async commit(lease, commit) {
      await store.commit(lease, commit)
      committed(commit)
    },
  }
}

/** Bytes of all that a commit hands to the store: every text of it, and its records as JSON. */
export function bytesOf({ actors, outbox, park, unpark, marks, replies, deadLetters, resolved }: Commit): number {
  let bytes = actors.reduce((sum, { record, base, row }) => sum + sizeOf(record) + Buffer.byteLength(base?.data ?? '') + Buffer.byteLength(row?.data ?? ''), 0)
  for (const { data, ...envelope } of [...outbox, ...park, ...replies, ...deadLetters]) bytes += sizeOf(envelope) + Buffer.byteLength(data)
  for (const each of [...unpark, ...marks, ...resolved]) bytes += sizeOf(each)
  return bytes
}

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
