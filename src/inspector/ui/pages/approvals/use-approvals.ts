import { useCallback, useEffect, useRef } from 'react'
import type { OutputOf } from '../../../protocol.ts'
import { useCall } from '../../data/use-call.ts'
import { useLive } from '../../data/use-live.ts'

export type Approval = OutputOf<'listApprovals'>['approvals'][number]

const PAGE = 200
/** For what no step tells: a stream that broke, an actor that was stopped from outside. */
const REFRESH_MS = 5_000
/** Steps come many at a time; the list is read once for all of them. */
const GATHER_MS = 100

/** The open approvals, read again when an actor that waits for people has done a step. */
export function useApprovals() {
  const approvals = useCall('listApprovals', { limit: PAGE }, { everyMs: REFRESH_MS })
  const { data, reload } = approvals
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useLive('follow', {}, useCallback(items => {
    const listed = new Set(data?.approvals.map(({ address }) => address))
    if (timer.current !== undefined || !items.some(item => item.type === 'step' && (item.step.tags.includes('approval') || listed.has(item.step.address)))) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      reload()
    }, GATHER_MS)
  }, [data, reload]), reload)
  useEffect(() => () => {
    clearTimeout(timer.current)
    timer.current = undefined
  }, [])
  return approvals
}
