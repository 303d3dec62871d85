import { useCallback, useEffect, useRef, useState } from 'react'
import type { Json, Snapshot, Step } from '../../../protocol.ts'
import { call } from '../../data/client.ts'
import { noteOutcome } from '../../data/connection.ts'
import { useLive } from '../../data/use-live.ts'

/** The state before a step, as far as its difference is shown. */
export interface Before {
  readonly states: readonly string[]
  readonly context: Json
}

export interface LiveActor {
  readonly now: Snapshot | undefined
  /** The last step that was seen to happen, and what was before it. */
  readonly last: { readonly step: Step; readonly before: Before } | undefined
  /** The latest that each running task has told, by the task's path. */
  readonly progress: ReadonlyMap<string, Json>
  readonly error: Error | undefined
  readonly reload: () => void
}

/** Children, timers and tasks are not part of a step: they are asked for, at most so often. */
const PARTS_EVERY_MS = 500

/** An actor as it is now: its snapshot, then every step on it. `onSteps` hears of the same steps, together once per frame. */
export function useActor(address: string, onSteps: (steps: readonly Step[]) => void): LiveActor {
  const [state, setState] = useState<Pick<LiveActor, 'now' | 'last'>>({ now: undefined, last: undefined })
  const [progress, setProgress] = useState<ReadonlyMap<string, Json>>(new Map())
  const [from, setFrom] = useState<number>()
  const [error, setError] = useState<Error>()
  const asking = useRef<{ timer?: ReturnType<typeof setTimeout> | undefined; ended: AbortController }>({ ended: new AbortController() })

  const ask = useCallback(() => {
    const { ended } = asking.current
    call('snapshot', { address }, { signal: ended.signal }).then(
      now => {
        if (ended.signal.aborted) return
        noteOutcome()
        setError(undefined)
        setFrom(first => first ?? now.seq)
        setState(({ now: shown, last }) => ({ now: shown && shown.seq > now.seq ? { ...shown, ...partsOf(now) } : now, last }))
      },
      (cause: unknown) => {
        if (ended.signal.aborted) return
        noteOutcome(cause)
        setError(cause as Error)
      },
    )
  }, [address])

  useEffect(() => {
    const current = { ended: new AbortController(), timer: undefined as ReturnType<typeof setTimeout> | undefined }
    asking.current = current
    ask()
    return () => {
      clearTimeout(current.timer)
      current.ended.abort()
    }
  }, [ask])

  const streamError = useLive('watch', from === undefined ? null : { address, from, full: true, progress: true }, items => {
    const steps = items.flatMap(item => (item.type === 'step' ? [item.step] : []))
    const told = items.flatMap(item => (item.type === 'progress' ? [[item.task, item.progress] as const] : []))
    if (told.length > 0) setProgress(known => new Map([...known, ...told]))
    if (steps.length === 0) return
    setState(shown => afterSteps(shown, steps))
    onSteps(steps)
    const current = asking.current
    current.timer ??= setTimeout(() => {
      current.timer = undefined
      ask()
    }, PARTS_EVERY_MS)
  })

  return { ...state, progress, error: error ?? streamError, reload: ask }
}

const partsOf = ({ children, timers, tasks, waiting }: Snapshot): Partial<Snapshot> => ({ children, timers, tasks, waiting })

function afterSteps({ now, last }: Pick<LiveActor, 'now' | 'last'>, steps: readonly Step[]): Pick<LiveActor, 'now' | 'last'> {
  const step = steps.at(-1)
  if (!now || !step || step.seq <= now.seq) return { now, last }
  const earlier = steps.at(-2) ?? { states: now.states, context: now.context }
  return {
    now: {
      ...now, seq: step.seq, lastSeq: step.seq, status: step.status, states: step.states, value: step.value, tags: step.tags, updatedAt: step.at,
      context: step.context ?? null, ...(step.output !== undefined && { output: step.output }), failure: step.status === 'failed' ? (step.error ?? null) : null,
    },
    last: { step, before: { states: earlier.states, context: earlier.context ?? null } },
  }
}
