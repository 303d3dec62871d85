import { TroupeError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import { ChangePoll, unrefClock } from './change-poll.ts'
import type { PollClock } from './change-poll.ts'
import { createCommit } from './commit.ts'
import { Connection } from './connection.ts'
import { createHistory } from './history.ts'
import { createFence, createLeases } from './leases.ts'
import { createMailbox } from './mailbox.ts'
import { openDatabase } from './open-database.ts'
import { createQueries } from './queries.ts'
import { toOpenError } from './sqlite-errors.ts'
import { createSize, createSweep } from './sweep.ts'

export interface SqliteStoreOptions {
  /** The file; it and its folder are made when missing. Its `-wal`, `-shm` and `.alive` neighbours belong to it. */
  readonly path: string
  /** `FULL` (default) survives the loss of power; `NORMAL` that of the process, and may lose the last commits at power loss. */
  readonly synchronous?: 'FULL' | 'NORMAL'
  /** Fixed when the file is made, at most 512. Default: 1 for a new file, whatever it has for an old one. */
  readonly partitions?: number
  /** Timers of the poll for changes of other processes. */
  readonly clock?: PollClock
  /** Milliseconds between two such polls. Default 10. */
  readonly pollMs?: number
}

const POLL_MS = 10

/**
 * Opens a store in one SQLite file, through `node:sqlite`; several processes may have it open at once.
 *
 * Throws `config/invalid`, `store/readonly`, `store/corrupt`, `store/newer-format`, `store/partitions`, `store/full` or `store/failed`;
 * a file that is refused is not touched.
 *
 * @example
 * const store = await openSqliteStore({ path: './data/troupe.db' })
 */
export async function openSqliteStore({ path, synchronous = 'FULL', partitions, clock = unrefClock, pollMs = POLL_MS }: SqliteStoreOptions): Promise<Store> {
  if (!(pollMs > 0)) throw new TroupeError('config/invalid', `openSqliteStore: pollMs must be a positive number, not ${pollMs}`)
  const opened = await openDatabase({ path, synchronous, partitions })
  try {
    return wire(new Connection(opened.db, opened.path), opened.partitions, { clock, pollMs })
  } catch (error) {
    opened.db.close()
    throw toOpenError(error, opened.path)
  }
}

function wire(connection: Connection, partitions: number, pollOptions: { readonly clock: PollClock; readonly pollMs: number }): Store {
  const fence = createFence(connection)
  const mailbox = createMailbox(connection)
  const { close: releaseLocks, ...leases } = createLeases(connection)
  const poll = new ChangePoll(connection, pollOptions)
  const { append, take, parked, takeReplies } = mailbox

  return {
    partitions,
    ...leases,
    commit: createCommit(connection, fence, mailbox, partitions),
    append,
    take,
    parked,
    takeReplies,
    ...createHistory(connection),
    ...createQueries(connection),
    sweep: createSweep(connection, fence),
    size: createSize(connection),
    subscribe: (onChange) => poll.subscribe(onChange),
    async close() {
      poll.close()
      connection.close()
      releaseLocks()
    },
  }
}
