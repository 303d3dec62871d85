import { TroupeError } from '../../core/errors.ts'
import type { Place } from '../command.ts'
import { reachServer } from '../connect.ts'
import { counted } from '../output/format.ts'
import { findServer } from '../running-server.ts'
import { versionOf } from '../version-of.ts'
import type { Finding } from './doctor.ts'
import { skew } from './store-checks.ts'

/** The server that was named, or that of this folder: whether it is ready, its version, its clock. */
export async function checkServer({ url: given, key }: Place, signal: AbortSignal): Promise<readonly Finding[]> {
  const url = given ?? findServer()?.url
  if (url === undefined) return []
  try {
    const { client } = await reachServer(url, key)
    const asked = Date.now()
    const { ready, reasons, version, at } = await client.health({}, { signal })
    const answered = Date.now()
    const { nodes, partitions } = await client.cluster({}, { signal })
    const { name, role } = await client.whoAmI({}, { signal })
    const unowned = partitions.filter(({ node }) => node === null).length
    return [
      { check: 'server', verdict: ready ? 'ok' : 'fail', found: `${url}, ${ready ? 'ready' : reasons.join('; ')}; you are ${name ?? 'nobody in particular'}, ${role}`, ...(!ready && { advice: 'Look at `troupe top`.' }) },
      version === versionOf() ? { check: 'versions', verdict: 'ok', found: `both ${version}` } : { check: 'versions', verdict: 'warn', found: `the server has ${version}, this is ${versionOf()}`, advice: 'Use the same version on both sides.' },
      skew('the server', at - (asked + answered) / 2),
      unowned === 0 ? { check: 'cluster', verdict: 'ok', found: `${counted(nodes.length, 'node')}, ${counted(partitions.length, 'partition')}` } : { check: 'cluster', verdict: 'warn', found: `${unowned} of ${partitions.length} partitions have no node`, advice: 'They are taken over when their leases end; start a node if none is left.' },
    ]
  } catch (error) {
    return [{ check: 'server', verdict: 'fail', found: (error as Error).message, ...(error instanceof TroupeError && { advice: error.remedy }) }]
  }
}
