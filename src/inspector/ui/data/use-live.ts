import { useEffect, useRef, useState } from 'react'
import { TroupeError } from '../../../client/index.ts'
import type { InputOf, OutputOf } from '../../protocol.ts'
import { batchByFrame } from './batch-by-frame.ts'
import { stream } from './client.ts'
import type { StreamName } from './client.ts'
import { noteOutcome } from './connection.ts'
import { refreshCounts } from './counts.ts'

/** Where a stream that has ended with an error can go on. */
const cursorOf = (cause: unknown): string | undefined => {
  const cursor = cause instanceof TroupeError ? (cause.details as { readonly cursor?: unknown } | undefined)?.cursor : undefined
  return typeof cursor === 'string' ? cursor : undefined
}

/**
 * Follows a stream as long as the component is shown; items come together, so that a thousand a
 * second cost twenty updates. A null input follows nothing. Steps that nobody can read any more (trimmed, damaged) are passed
 * over: `onMissed` is to read again what they have changed. Returns what has ended the stream, where something has.
 */
export function useLive<TName extends StreamName>(operation: TName, input: InputOf<TName> | null, onItems: (items: readonly OutputOf<TName>[]) => void, onMissed?: () => void): Error | undefined {
  const key = JSON.stringify(input)
  const [error, setError] = useState<Error>()
  const deliver = useRef(onItems)
  const missed = useRef(onMissed)
  useEffect(() => {
    deliver.current = onItems
    missed.current = onMissed
  })

  useEffect(() => {
    setError(undefined)
    if (key === 'null') return
    const ended = new AbortController()
    const batch = batchByFrame<OutputOf<TName>>(items => deliver.current(items))
    const follow = async (from?: string): Promise<void> => {
      const asked = { ...(JSON.parse(key) as InputOf<TName>), ...(from !== undefined && { from }) }
      for await (const item of stream(operation, asked, { signal: ended.signal })) batch.add(item)
    }
    const goOn = (cause: unknown): void => {
      if (ended.signal.aborted) return
      const cursor = cursorOf(cause)
      if (cursor !== undefined) {
        missed.current?.()
        void refreshCounts()
        return void follow(cursor).catch(goOn)
      }
      noteOutcome(cause)
      setError(cause instanceof Error ? cause : new Error(String(cause)))
    }
    follow().catch(goOn)
    return () => {
      ended.abort()
      batch.cancel()
    }
  }, [operation, key])

  return error
}
