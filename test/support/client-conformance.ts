import { describe, test } from 'vitest'
import { actors } from './client-conformance/actors.ts'
import type { ClientWorld, WithClient } from './client-conformance/case.ts'
import { histories, streams, wholes } from './client-conformance/past.ts'
import { approvals, letters } from './client-conformance/people.ts'
import { many, refusals, system } from './client-conformance/system.ts'

export type { ClientWorld } from './client-conformance/case.ts'

/** What every client must do, whatever lies between it and the runtime. */
export function clientConformance(name: string, open: () => Promise<ClientWorld>): void {
  const withClient: WithClient = (what, run) => {
    test(what, async () => {
      await using world = await open()
      await run(world.client(), world)
    })
  }
  describe(`the client ${name}`, () => {
    for (const cases of [actors, histories, streams, wholes, letters, approvals, many, system, refusals]) cases(withClient)
  })
}
