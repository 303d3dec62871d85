import { useCallback, useEffect, useRef, useState } from 'react'
import { call } from '../../data/client.ts'
import { noteOutcome } from '../../data/connection.ts'
import { useLive } from '../../data/use-live.ts'
import { ActorRows } from './actor-rows.ts'
import type { ActorFilter } from './filter.ts'

const PAGE = 200

export interface ActorList {
  readonly rows: ActorRows
  /** Grows with each change of the rows. */
  readonly version: number
  readonly isLoading: boolean
  readonly isWhole: boolean
  readonly error: Error | undefined
  readonly loadMore: () => void
  readonly reload: () => void
}

/** Actors of a filter, newest first: pages as they are asked for, and changes as they are committed. */
export function useActorRows(filter: ActorFilter): ActorList {
  const key = JSON.stringify(filter)
  const [round, setRound] = useState(0)
  const [version, setVersion] = useState(0)
  const [error, setError] = useState<Error>()
  const [isLoading, setLoading] = useState(true)
  const list = useRef({ rows: new ActorRows(filter), cursor: undefined as string | undefined, isWhole: false, isBusy: false, ended: new AbortController() })
  const touch = useCallback(() => setVersion(last => last + 1), [])

  const loadMore = useCallback(() => {
    const current = list.current
    if (current.isBusy || current.isWhole) return
    current.isBusy = true
    setLoading(true)
    call('listActors', { ...(JSON.parse(key) as ActorFilter), order: 'newest', limit: PAGE, ...(current.cursor && { cursor: current.cursor }) }, { signal: current.ended.signal }).then(
      ({ actors, cursor }) => {
        if (current.ended.signal.aborted) return
        noteOutcome()
        current.rows.add(actors)
        Object.assign(current, { cursor, isWhole: cursor === undefined, isBusy: false })
        setError(undefined)
        setLoading(false)
        touch()
      },
      (cause: unknown) => {
        if (current.ended.signal.aborted) return
        noteOutcome(cause)
        current.isBusy = false
        setError(cause as Error)
        setLoading(false)
      },
    )
  }, [key, touch])

  useEffect(() => {
    const ended = new AbortController()
    list.current = { rows: new ActorRows(JSON.parse(key) as ActorFilter), cursor: undefined, isWhole: false, isBusy: false, ended }
    setError(undefined)
    touch()
    loadMore()
    return () => ended.abort()
  }, [key, round, loadMore, touch])

  const { machine, run } = filter
  const reload = useCallback(() => setRound(last => last + 1), [])
  const streamError = useLive('follow', { ...(machine && { machine }), ...(run && { run }) }, items => {
    const steps = items.flatMap(item => (item.type === 'step' ? [item.step] : []))
    if (steps.length > 0 && list.current.rows.apply(steps)) touch()
  }, reload)

  const { rows, isWhole } = list.current
  return { rows, version, isLoading, isWhole, error: error ?? streamError, loadMore, reload }
}
