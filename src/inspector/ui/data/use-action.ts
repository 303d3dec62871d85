import { useCallback, useState } from 'react'
import type { InputOf, OutputOf } from '../../protocol.ts'
import { notify } from '../parts/notices.tsx'
import { call } from './client.ts'
import type { CallName } from './client.ts'
import { refreshCounts } from './counts.ts'

export interface Action<TName extends CallName> {
  /** Undefined when it failed: the error is then in `error`, and told to the user. */
  readonly run: (input: InputOf<TName>) => Promise<OutputOf<TName> | undefined>
  readonly isBusy: boolean
  readonly error: Error | undefined
}

/** A change that a user asks for: once at a time, failures told, counts refreshed. */
export function useAction<TName extends CallName>(operation: TName, { isQuiet = false }: { readonly isQuiet?: boolean } = {}): Action<TName> {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const run = useCallback(async (input: InputOf<TName>): Promise<OutputOf<TName> | undefined> => {
    setBusy(true)
    setError(undefined)
    try {
      return await call(operation, input)
    } catch (cause) {
      const failure = cause instanceof Error ? cause : new Error(String(cause))
      setError(failure)
      if (!isQuiet) notify({ kind: 'error', text: failure.message })
      return undefined
    } finally {
      setBusy(false)
      void refreshCounts()
    }
  }, [operation, isQuiet])
  return { run, isBusy, error }
}
