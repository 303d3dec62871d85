import { actorCases } from './store-conformance/actors.ts'
import { caseTarget } from './store-conformance/case.ts'
import type { ConformanceSetup, TestApi } from './store-conformance/case.ts'
import { checkpointCases } from './store-conformance/checkpoints.ts'
import { compactionCases } from './store-conformance/compaction.ts'
import { commitCases } from './store-conformance/commits.ts'
import { inboxCases } from './store-conformance/inbox.ts'
import { leaseCases } from './store-conformance/leases.ts'
import { listingCases } from './store-conformance/listing.ts'
import { queueShareCases } from './store-conformance/queue-shares.ts'
import { queueCases } from './store-conformance/queues.ts'
import { retentionCases } from './store-conformance/retention.ts'

export type { ConformanceSetup, ConformanceTarget, TestApi } from './store-conformance/case.ts'

/**
 * Proves that a store holds the rules S1 to S10 of the Store port, and Q1 to Q6 where it has queues: the same cases for every store, Troupe's own included.
 *
 * The test runner is an argument, so that importing this needs none: `describe` and `test` of Vitest, Jest or `node:test`
 * all fit; assertions come from `node:assert`. Each case calls `setup` for fresh data and `teardown` after it.
 *
 * @example
 * import { describe, test } from 'vitest'
 * import { storeConformance } from 'troupe/testing'
 *
 * storeConformance('my store', async () => ({
 *   partitions: 4,
 *   open: () => openMyStore({ name, partitions: 4 }),
 *   reopen: () => openMyStore({ name }),
 *   teardown: () => dropMyStore(name),
 * }), { describe, test })
 */
export function storeConformance(name: string, setup: ConformanceSetup, { describe, test }: TestApi): void {
  const groups = { leases: leaseCases, commits: commitCases, inbox: inboxCases, checkpoints: checkpointCases, actors: actorCases, listing: listingCases, retention: retentionCases, compaction: compactionCases, queues: queueCases, shares: queueShareCases }
  for (const [group, cases] of Object.entries(groups)) {
    describe(`${name}: ${group}`, () => {
      for (const [behaviour, run] of Object.entries(cases)) {
        test(behaviour, async (context) => {
          const target = await setup()
          try {
            await run(caseTarget(target, (reason) => context?.skip?.(reason)))
          } finally {
            await target.teardown()
          }
        })
      }
    })
  }
}
