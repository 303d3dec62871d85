/**
 * A process of its own on a SQLite store, for tests that kill it, fill its disk or run several at once.
 * `node sqlite-process.ts <verb> <path> ...`; answers with one line of JSON per fact.
 */
import { statSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { TroupeError, toErrorInfo } from '../../src/core/errors.ts'
import type { Commit } from '../../src/core/store.ts'
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts'
import { Owner, commitOf, creation, idIn, message, steps } from '../../src/testing/store-conformance/case.ts'
import { planBank } from './bank.ts'

const say = (fact: unknown): void => void process.stdout.write(`${JSON.stringify(fact)}\n`)

const verbs: Record<string, (path: string, ...args: readonly string[]) => Promise<void>> = {
  /** Says whether the store opens. */
  async open(path) {
    const store = await openSqliteStore({ path })
    await store.close()
    say('open')
  },

  /** Owns a partition, with a long lease, until it is killed. */
  async hold(path, node = 'held') {
    const store = await openSqliteStore({ path })
    const { lease } = await Owner.of(store, { node, now: Date.now(), ttlMs: 3_600_000 })
    say(lease)
    setInterval(() => undefined, 60_000)
  },

  /** Writes a pair of actors over and over, always both in one commit, and messages to the next partition. */
  async work(path, partition = '0', count = '100') {
    const store = await openSqliteStore({ path, synchronous: 'NORMAL' })
    const own = Number(partition)
    const next = (own + 1) % store.partitions
    const [left, right, target] = [idIn(store, 'left', { partition: own }), idIn(store, 'right', { partition: own }), idIn(store, 'target', { partition: next })]
    const owner = await Owner.of(store, { partition: own, node: `worker-${own}`, now: Date.now(), ttlMs: 60_000 })
    await owner.commit({ actors: [left, right].map((id) => creation(id, { partition: own })) })
    for (let seq = 2; seq <= Number(count); seq++) {
      await owner.commit({ actors: [left, right].map((id) => steps(id, seq, { seq, partition: own })), outbox: [message(target, `${own}:${seq}`, next)] })
      await store.append([message(left, `${own}:accepted:${seq}`, own)], 1_000_000)
    }
    await store.close()
    say('done')
  },

  /** Commits transfer after transfer, says how long the write-ahead log is after each, and waits to be killed. */
  async bank(path, seed = '', transfers = '') {
    const store = await openSqliteStore({ path })
    const { lease } = await Owner.of(store)
    for (const commit of planBank(Number(seed), Number(transfers)).commits) {
      await store.commit(lease, commit)
      say({ seq: commit.seq, walBytes: statSync(`${path}-wal`).size })
    }
    setInterval(() => undefined, 60_000)
  },

  /** Commits until the disk is full, repeats the refused commit in vain, makes room, and repeats it once more. */
  async fill(path, ballast = '') {
    await writeFile(ballast, 'x'.repeat(256 * 1024))
    const store = await openSqliteStore({ path })
    const owner = await Owner.of(store)
    const id = idIn(store, 'x')
    await owner.commit({ actors: [creation(id)] })
    const refused: string[] = []
    const attempt = (commit: Commit) => store.commit(owner.lease, commit).then(() => true, (error: unknown) => {
      refused.push(error instanceof TroupeError ? error.code : String(error))
      return false
    })
    for (let seq = 2; refused.length === 0; seq++) {
      const commit = commitOf(seq, { actors: [{ ...steps(id, seq, { seq }), row: { fromSeq: seq, toSeq: seq, data: 'x'.repeat(20_000) } }] })
      if (await attempt(commit)) continue
      await attempt(commit)
      await store.append([message(id, 'm1')], 10).catch(() => refused.push('append'))
      say({ refused, loaded: (await store.load(id))?.record.seq, seq })
      await rm(ballast)
      say({ after: await attempt(commit), loaded: (await store.load(id))?.rows.length, seq })
      break
    }
    await store.close()
  },
}

const [verb = '', path = '', ...args] = process.argv.slice(2)
try {
  await verbs[verb]?.(path, ...args)
} catch (error) {
  const { code, message: text } = toErrorInfo(error)
  say({ code, message: text })
}
