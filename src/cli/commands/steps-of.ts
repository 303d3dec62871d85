import type { Client } from '../../core/client/client.ts'
import type { Step } from '../output/views.ts'

export interface Span {
  readonly address: string
  readonly from: number
  readonly limit?: number
  readonly full?: boolean
}

const PAGE = 500

/** Past steps of an actor, page after page. */
export async function* stepsOf(client: Client, { address, from, limit = Infinity, full = false }: Span, signal: AbortSignal): AsyncGenerator<Step> {
  let last = from
  for (let left = limit; left > 0; ) {
    const { steps, lastSeq } = await client.history({ address, from: last, limit: Math.min(left, PAGE), full }, { signal })
    yield* steps
    left -= steps.length
    last = steps.at(-1)?.seq ?? lastSeq
    if (last >= lastSeq) return
  }
}
