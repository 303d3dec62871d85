import { useCallback, useEffect, useRef } from 'react'
import type { InputOf } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import { useLive } from '../../data/use-live.ts'

/** Guests may tell of hundreds of events a second: what is shown is read again at most so often. */
const GATHER_MS = 150

/** An answer about guests, read again when one of them has told something. */
export function useFreshGuests<TName extends 'listGuests' | 'guest'>(operation: TName, input: InputOf<TName>) {
  const answer = useCall(operation, input)
  const { reload } = answer
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useLive('followGuests', {}, useCallback(items => {
    if (timer.current !== undefined || items.every(({ type }) => type === 'cursor')) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      reload()
    }, GATHER_MS)
  }, [reload]))
  useEffect(() => () => {
    clearTimeout(timer.current)
    timer.current = undefined
  }, [])
  return answer
}
