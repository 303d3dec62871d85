import { operations } from '../../core/client/client.ts'
import type { CallOptions, Client } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'

type Operations = typeof operations
export type StreamName = { [TName in keyof Operations]: Operations[TName]['stream'] extends true ? TName : never }[keyof Operations]

export const streamNames = Object.entries(operations).filter(([, { stream }]) => stream).map(([name]) => name as StreamName)

/** An item of any stream; where to go on after it is told by what it holds. */
export type LiveItem = {
  readonly type: string
  readonly cursor?: string
  readonly step?: { readonly cursor?: string; readonly seq: number }
}

export const positionAfter = ({ cursor, step }: LiveItem): string | number | undefined => cursor ?? step?.cursor ?? step?.seq

export interface LiveStream {
  /** Where it begins, if that is known before the first item. */
  readonly from: number | null
  /** Whether all that will ever come lies before its beginning. */
  readonly isOver: boolean
  readonly items: AsyncIterable<LiveItem>
}

const ENDED = new Set(['done', 'stopped', 'cancelled'])

/**
 * Opens a stream at a place that is known, so that a client whose connection is cut before the first item misses nothing.
 * Throws what is wrong with the input before anything is sent.
 */
export async function openStream(client: Client, name: StreamName, input: Readonly<Record<string, unknown>>, options: CallOptions): Promise<LiveStream> {
  const parsed = operations[name].input.safeParse(input)
  if (!parsed.success) throw new TroupeError('request/invalid', `${name}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the input'}: ${message}`).join('; ')}`)
  const open = client[name] as (input: unknown, options: CallOptions) => AsyncIterable<LiveItem>
  if (name !== 'watch') return { from: null, isOver: false, items: open(parsed.data, options) }
  const { address, from: asked } = parsed.data as { address: string; from?: number }
  const { lastSeq, status } = await client.snapshot({ address }, options)
  const from = asked ?? lastSeq
  if (from > lastSeq) throw new TroupeError('request/invalid', `from: ${address} has ${lastSeq} steps, and none can follow ${from}`, { address, details: { lastSeq } })
  return { from, isOver: from === lastSeq && ENDED.has(status), items: open({ ...parsed.data, from }, options) }
}
