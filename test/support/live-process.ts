/** A server with live streams in a process of its own: `node live-process.ts <options as JSON>`. Tells what was done to it, when asked. */
import { liveRig } from './live-rig.ts'
import { guardLoop } from './loop-guard.ts'
import { commands, say } from './processes.ts'

/** How long its event loop stood still at most since it was asked last, and what every object has. */
export interface Toll {
  readonly longestMs: number
  readonly inherited: readonly string[]
}

export type LiveFact = { readonly url: string } | Toll

const rig = await liveRig(JSON.parse(process.argv[2] ?? '{}'))
const guard = guardLoop()
say({ url: rig.url } satisfies LiveFact)
for await (const _ of commands()) say({ longestMs: guard.longestMs(), inherited: Object.getOwnPropertyNames(Object.prototype) } satisfies LiveFact)
