import { useCallback, useEffect, useState } from 'react'
import type { InputOf, OutputOf } from '../../protocol.ts'
import { call } from './client.ts'
import type { CallName } from './client.ts'
import { noteOutcome } from './connection.ts'

export interface Call<T> {
  /** The latest answer; that of the input before it, while a new one is on its way. */
  readonly data: T | undefined
  readonly error: Error | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

export interface UseCallOptions {
  /** Asks again so many milliseconds after each answer, while the page is seen. */
  readonly everyMs?: number
}

/** Asks the server, again when the input changes; a null input asks nothing. Answers to inputs that have passed are dropped. */
export function useCall<TName extends CallName>(operation: TName, input: InputOf<TName> | null, { everyMs }: UseCallOptions = {}): Call<OutputOf<TName>> {
  const key = JSON.stringify(input)
  const [round, setRound] = useState(0)
  const [state, setState] = useState<{ data?: OutputOf<TName>; error?: Error; isLoading: boolean }>({ isLoading: input !== null })
  const reload = useCallback(() => setRound(last => last + 1), [])

  useEffect(() => {
    if (key === 'null') return setState({ isLoading: false })
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const again = (): void => {
      if (everyMs !== undefined) timer = setTimeout(() => (document.hidden ? again() : reload()), everyMs)
    }
    setState(({ data }) => ({ isLoading: true, ...(data !== undefined && { data }) }))
    call(operation, JSON.parse(key) as InputOf<TName>, { signal: ended.signal }).then(
      data => {
        if (ended.signal.aborted) return
        noteOutcome()
        setState({ data, isLoading: false })
        again()
      },
      (error: unknown) => {
        if (ended.signal.aborted) return
        noteOutcome(error)
        setState(({ data }) => ({ error: error instanceof Error ? error : new Error(String(error)), isLoading: false, ...(data !== undefined && { data }) }))
        again()
      },
    )
    return () => {
      clearTimeout(timer)
      ended.abort()
    }
  }, [operation, key, round, everyMs, reload])

  return { data: state.data, error: state.error, isLoading: state.isLoading, reload }
}
