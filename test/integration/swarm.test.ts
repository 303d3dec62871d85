import { createRuntime } from 'troupe'
import { swarm, swarmCell } from 'troupe/patterns'
import type { PatternOutcome } from '../../machines/outcome.ts'
import type { PeerStep, PeerView, SwarmResult } from 'troupe/patterns'
import { createTestWorld } from 'troupe/testing'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../../src/stores/sqlite/open.ts'
import { tempDir } from '../support/temp-dir.ts'

const options = {
  name: 'best', peers: 400, cell: 'cell', neighbourhood: { random: 3 }, init: (id: number) => id, collect: true, limits: { peersPerCellMax: 25 },
  rule: ({ round, state, messages }: PeerView<number>): PeerStep<number> | undefined => {
    const next = Math.max(state, ...messages.map(({ body }) => body as number))
    return round === 0 || next > state ? { state: next, send: [{ to: 'neighbours', body: next }] } : undefined
  },
} as const
const machines = { best: swarm(options), cell: swarmCell(options) }
