import { useCallback, useEffect, useRef } from 'react'
import { useCall } from '../../data/use-call.ts'
import { useLive } from '../../data/use-live.ts'

/** A run that does a thousand steps a second is read again at most so often. */
const EVERY_MS = 500
/** As many steps as one answer may have. */
const STEPS_MAX = 1_000

/** A run as it is, read again when one of its actors has done a step. */
export function useFreshTimeline(address: string) {
  const timeline = useCall('timeline', { address, limit: STEPS_MAX })
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const { reload } = timeline
  useLive('follow', { run: address }, useCallback(items => {
    if (timer.current !== undefined || !items.some(item => item.type === 'step')) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      reload()
    }, EVERY_MS)
  }, [reload]), reload)
  useEffect(() => () => {
    clearTimeout(timer.current)
    timer.current = undefined
  }, [address])
  return timeline
}
