import type { ActorId } from '../../core/address.ts'
import type { ActorRecord, ActorStatus, JournalRow } from '../../core/store.ts'

/**
 * How an actor stands in the hash of its partition: a line that the scripts keep their sets by
 * (`score|status|due|unsettled|expires|completed`, the score is theirs, the last is for roots only), then the record as JSON.
 */
type PackedRecord = readonly [
  run: ActorId | 0,
  parent: ActorId | null,
  seq: number,
  version: string,
  states: readonly string[],
  tags: readonly string[],
  dueAt: number | null,
  openTasks: number,
  parked: number,
  createdAt: number,
  updatedAt: number,
  completedAt: number | null,
  expiresAt: number | null,
  error: string | null,
]

/** The index line without its score. */
export function packIndex({ id, run, status, dueAt, openTasks, parked, expiresAt, completedAt }: ActorRecord): string {
  const isUnsettled = openTasks > 0 || parked > 0 || status === 'held'
  return `${status}|${dueAt ?? ''}|${isUnsettled ? 1 : 0}|${expiresAt ?? ''}|${id === run ? (completedAt ?? '') : ''}`
}

export function packRecord({ id, run, parent, seq, version, states, tags, dueAt, openTasks, parked, createdAt, updatedAt, completedAt, expiresAt, error }: ActorRecord): string {
  const packed: PackedRecord = [run === id ? 0 : run, parent, seq, version, states, tags, dueAt, openTasks, parked, createdAt, updatedAt, completedAt, expiresAt, error]
  // An actor that lives and waits for nothing has nothing at the end.
  return JSON.stringify(packed.slice(0, 1 + packed.findLastIndex(part => part !== null)))
}

export const indexOf = (text: string): string => text.slice(0, text.indexOf('\n'))

export function unpackRecord(id: ActorId, partition: number, text: string): ActorRecord {
  const status = indexOf(text).split('|')[1] as ActorStatus
  const [run, parent, seq, version, states, tags, dueAt, openTasks, parked, createdAt, updatedAt, completedAt = null, expiresAt = null, error = null] = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Partial<PackedRecord> & PackedRecord
  return { id, run: run === 0 ? id : run, partition, parent, status, seq, version, states, tags, dueAt, openTasks, parked, createdAt, updatedAt, completedAt, expiresAt, error }
}

/** `seq\ndata` */
export function unpackBase(text: string): { readonly seq: number; readonly data: string } {
  const end = text.indexOf('\n')
  return { seq: Number(text.slice(0, end)), data: text.slice(end + 1) }
}

/** `position from to at\ndata` */
export function unpackRow(id: ActorId, text: string): JournalRow {
  const end = text.indexOf('\n')
  const [position = '', fromSeq = '', toSeq = '', at = ''] = text.slice(0, end).split(' ')
  return { position: Number(position), id, fromSeq: Number(fromSeq), toSeq: Number(toSeq), at: Number(at), data: text.slice(end + 1) }
}
