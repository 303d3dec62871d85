import type { ActorId } from '../../core/address.ts'
import type { ActorRecord, ActorStatus } from '../../core/store.ts'
import { unpackNames } from './names.ts'

/** Columns of `actor` that make a record. */
export const RECORD_COLUMNS = `id, run, partition, parent, status, seq, version, states, tags, due_at, open_tasks, parked,
  created_at, updated_at, completed_at, expires_at, error`

export interface ActorRow {
  readonly id: ActorId
  readonly run: ActorId
  readonly partition: number
  readonly parent: ActorId | null
  readonly status: ActorStatus
  readonly seq: number
  readonly version: string
  readonly states: string
  readonly tags: string
  readonly due_at: number | null
  readonly open_tasks: number
  readonly parked: number
  readonly created_at: number
  readonly updated_at: number
  readonly completed_at: number | null
  readonly expires_at: number | null
  readonly error: string | null
}

export const toRecord = (row: ActorRow): ActorRecord => ({
  id: row.id,
  run: row.run,
  partition: row.partition,
  parent: row.parent,
  status: row.status,
  seq: row.seq,
  version: row.version,
  states: unpackNames(row.states),
  tags: unpackNames(row.tags),
  dueAt: row.due_at,
  openTasks: row.open_tasks,
  parked: row.parked,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  completedAt: row.completed_at,
  expiresAt: row.expires_at,
  error: row.error,
})
