import assert from 'node:assert/strict'
import type { ActorId } from '../../core/address.ts'
import { actorId, partitionOf } from '../../core/address.ts'
import { TroupeError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { ActorRecord, ActorWrite, Commit, DeadLetter, InboxMessage, Lease, Store } from '../../core/store.ts'

export interface ConformanceTarget {
  open(): Promise<Store>
  /** A second handle on the same data, as another process would have. Without it the cases that need one are skipped. */
  reopen?(): Promise<Store>
  readonly partitions: number
  /** For stores that judge leases by a clock of their own: waits until so many milliseconds have passed since the set-up. */
  passTo?(ms: number): Promise<void>
  /** How long leases last in the cases, in milliseconds. Default 10,000; short where `passTo` really waits. */
  readonly leaseMs?: number
  /** Closes what was opened and removes the data. */
  teardown(): Promise<void>
}

export type ConformanceSetup = () => Promise<ConformanceTarget>

/** What a test runner hands to a test: Vitest and `node:test` can skip from within. */
interface TestContext {
  skip?(reason: string): void
}

export interface TestApi {
  describe(name: string, body: () => void): void
  test(name: string, body: (context?: TestContext) => Promise<void>): void
}

export interface CaseTarget extends ConformanceTarget {
  readonly leaseMs: number
  /** The time so many milliseconds after the first, once it has come for the store too. */
  at(ms: number): Promise<number>
  skip(reason: string): void
}

/** What the cases are given, of what a set-up gives. */
export function caseTarget(target: ConformanceTarget, skip: (reason: string) => void): CaseTarget {
  return {
    ...target,
    leaseMs: target.leaseMs ?? LEASE_MS,
    async at(ms) {
      await target.passTo?.(ms)
      return NOW + ms
    },
    skip,
  }
}

/** Cases by the behaviour they prove; rules of the port by their number. */
export type Cases = Readonly<Record<string, (target: CaseTarget) => Promise<void>>>

/** Opens a second handle; undefined (and the case skipped) where the set-up has none. */
export async function reopen({ reopen: open, skip }: CaseTarget): Promise<Store | undefined> {
  if (open) return open()
  skip('the set-up gives no second handle (`reopen`)')
  return undefined
}

/** Time of the first commit of every case. */
export const NOW = 1_700_000_000_000
export const LEASE_MS = 10_000

/** The id of an actor that belongs into a partition: stores may derive the partition from the id. */
export function idIn(store: Pick<Store, 'partitions'>, key: string, { partition = 0, tenant = 'default', machine = 'order' } = {}): ActorId {
  for (let suffix = 0; ; suffix++) {
    const id = actorId({ tenant, machine, key: suffix === 0 ? key : `${key}-${suffix}` })
    if (partitionOf(id, store.partitions) === partition) return id
  }
}

export const recordOf = (id: ActorId, fields: Partial<ActorRecord> = {}): ActorRecord => ({
  id,
  run: id,
  partition: 0,
  parent: null,
  status: 'active',
  seq: 1,
  version: '1',
  states: ['idle'],
  tags: [],
  dueAt: null,
  openTasks: 0,
  parked: 0,
  createdAt: NOW,
  updatedAt: NOW,
  completedAt: null,
  expiresAt: null,
  error: null,
  ...fields,
})

/** A new actor with a base and a row at sequence 1. */
export const creation = (id: ActorId, fields: Partial<ActorRecord> = {}): ActorWrite => {
  const record = recordOf(id, fields)
  return { record, created: true, base: { seq: 1, data: `base 1 of ${id}` }, row: { fromSeq: 1, toSeq: record.seq, data: `row 1 of ${id}` } }
}

/** Steps `fromSeq` to `fields.seq` of an actor, with a base at `base` if given. */
export const steps = (id: ActorId, fromSeq: number, { base, ...fields }: Partial<ActorRecord> & { readonly seq: number; readonly base?: number }): ActorWrite => ({
  record: recordOf(id, fields),
  created: false,
  base: base === undefined ? null : { seq: base, data: `base ${base} of ${id}` },
  row: { fromSeq, toSeq: fields.seq, data: `row ${fromSeq} of ${id}` },
})

/** A change of the record alone. */
export const recordOnly = (id: ActorId, fields: Partial<ActorRecord>): ActorWrite => ({ record: recordOf(id, fields), created: false, base: null, row: null })

export const message = (to: ActorId, id: string, partition = 0): InboxMessage => ({ id, to, partition, at: NOW, data: `message ${id}` })

export const letter = (actor: ActorId, id: string, fields: Partial<DeadLetter> = {}): DeadLetter => ({
  id, actor, partition: 0, at: NOW, data: `message ${id}`, cause: '{"name":"Error","message":"boom"}', state: 'present', resolvedAt: null, reason: null, ...fields,
})

let ids = 0

export const commitOf = (seq: number, parts: Partial<Commit> = {}): Commit => ({
  id: `commit-${++ids}`,
  seq,
  at: NOW + seq,
  inboxFloor: 0,
  actors: [],
  outbox: [],
  park: [],
  unpark: [],
  marks: [],
  replies: [],
  deadLetters: [],
  resolved: [],
  ...parts,
})

/** A node that owns a partition and commits to it, batch after batch. */
export class Owner {
  readonly store: Store
  readonly lease: Lease
  seq: number
  inboxFloor: number

  private constructor(store: Store, lease: Lease, { seq, inboxFloor }: { readonly seq: number; readonly inboxFloor: number }) {
    this.store = store
    this.lease = lease
    this.seq = seq
    this.inboxFloor = inboxFloor
  }

  static async of(store: Store, { partition = 0, node = 'node-a', now = NOW, ttlMs = LEASE_MS } = {}): Promise<Owner> {
    const result = await store.claim({ partition, node, token: `token-${++ids}`, now, ttlMs })
    assert(result.ok, `${node} could not claim partition ${partition}`)
    return new Owner(store, result.lease, result)
  }

  async commit(parts: Partial<Commit> = {}): Promise<Commit> {
    const commit = commitOf(this.seq + 1, { inboxFloor: this.inboxFloor, ...parts })
    await this.store.commit(this.lease, commit)
    this.seq = commit.seq
    this.inboxFloor = commit.inboxFloor
    return commit
  }
}

export const refuses = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  assert.rejects(promise, (error) => {
    assert(error instanceof TroupeError, `expected a TroupeError ${code}, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })

/** A broken invariant: an error, but none that a caller is told to handle. */
export const breaks = (promise: Promise<unknown>): Promise<void> =>
  assert.rejects(promise, (error) => error instanceof Error && !(error instanceof TroupeError))

/** Gives the first answer that holds. Some things come a moment after the call that caused them. */
export async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + EVENTUALLY_MS
  for (;;) {
    const answer = await ask()
    if (holds(answer) || performance.now() > deadline) return answer
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

const EVENTUALLY_MS = 2_000
