import type { ActorId } from '../../src/core/address.ts'
import type { Commit } from '../../src/core/store.ts'
import { commitOf, creation, idIn, message, steps } from '../../src/testing/store-conformance/case.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'

export const ACCOUNTS = 20
export const OPENING_BALANCE = 1_000

/** What must be in the store after a commit. */
interface BankState {
  readonly balances: readonly number[]
  readonly seqs: readonly number[]
}

/** One commit per transfer between two accounts, and the state each of them leads to. */
export interface Bank {
  readonly ids: readonly ActorId[]
  readonly commits: readonly Commit[]
  readonly states: readonly BankState[]
}

/** Account data as the store keeps it: the balance stands in every row, the padding makes commits of several pages. */
const pad = (length: number): string => 'x'.repeat(length)

export const balanceOf = (data: string): number => (JSON.parse(data) as { readonly balance: number }).balance

/** The same bank for the same seed, so that the process that writes it and the test that reads it need not talk. */
export function planBank(seed: number, transfers: number): Bank {
  const random = createSeededRandom(seed)
  const below = (n: number) => Math.floor(random.next() * n)
  const ids = Array.from({ length: ACCOUNTS }, (_, n) => idIn({ partitions: 1 }, `account-${n}`, { machine: 'account' }))
  const balances = ids.map(() => OPENING_BALANCE)
  const seqs = ids.map(() => 1)
  const text = (balance: number) => JSON.stringify({ balance, pad: pad(below(1_500)) })
  const opening = commitOf(1, {
    actors: ids.map((id) => ({ ...creation(id), base: { seq: 1, data: text(OPENING_BALANCE) }, row: { fromSeq: 1, toSeq: 1, data: text(OPENING_BALANCE) } })),
  })
  const commits = [{ ...opening, id: 'transfer-1' }]
  const states: BankState[] = [{ balances: ids.map(() => 0), seqs: ids.map(() => 0) }, { balances: [...balances], seqs: [...seqs] }]
  for (let seq = 2; seq <= transfers; seq++) {
    const from = below(ACCOUNTS)
    const to = (from + 1 + below(ACCOUNTS - 1)) % ACCOUNTS
    const amount = below(50)
    const actors = ([[from, -amount], [to, amount]] as const).map(([n, change]) => {
      const balance = (balances[n] = (balances[n] ?? 0) + change)
      const at = (seqs[n] = (seqs[n] ?? 0) + 1)
      const data = text(balance)
      return { ...steps(ids[n] as ActorId, at, { seq: at, states: [`s${at}`] }), base: at % 5 === 0 ? { seq: at, data } : null, row: { fromSeq: at, toSeq: at, data } }
    })
    commits.push({ ...commitOf(seq, { actors, outbox: [message(ids[to] as ActorId, `transfer-${seq}`)] }), id: `transfer-${seq}` })
    states.push({ balances: [...balances], seqs: [...seqs] })
  }
  return { ids, commits, states }
}
