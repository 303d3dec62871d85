import { useEffect, useRef, useState } from 'react'
import type { InputOf, OutputOf } from '../../protocol.ts'
import { batchByFrame } from './batch-by-frame.ts'
import { stream } from './client.ts'
import type { StreamName } from './client.ts'
import { noteOutcome } from './connection.ts'

/**
 * Follows a stream as long as the component is shown; items come together, once per frame that the browser draws, so that a
 * thousand a second cost sixty updates. A null input follows nothing. Returns what has ended it, where something has.
 */
export function useLive<TName extends StreamName>(operation: TName, input: InputOf<TName> | null, onItems: (items: readonly OutputOf<TName>[]) => void): Error | undefined {
  const key = JSON.stringify(input)
  const [error, setError] = useState<Error>()
  const deliver = useRef(onItems)
  useEffect(() => {
    deliver.current = onItems
  })

  useEffect(() => {
    setError(undefined)
    if (key === 'null') return
    const ended = new AbortController()
    const batch = batchByFrame<OutputOf<TName>>(items => deliver.current(items))
    const follow = async (): Promise<void> => {
      for await (const item of stream(operation, JSON.parse(key) as InputOf<TName>, { signal: ended.signal })) batch.add(item)
    }
    follow().catch((cause: unknown) => {
      if (ended.signal.aborted) return
      noteOutcome(cause)
      setError(cause instanceof Error ? cause : new Error(String(cause)))
    })
    return () => {
      ended.abort()
      batch.cancel()
    }
  }, [operation, key])

  return error
}
