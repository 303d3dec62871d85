import { useEffect, useMemo, useState } from 'react'
import type { Snapshot, Step } from '../../../protocol.ts'
import { call } from '../../data/client.ts'
import type { Before, LiveActor } from './use-actor.ts'

/** What the page shows of an actor: the present, or its state after a step of the past. */
export interface Moment {
  readonly actor: Snapshot
  readonly step: Step | undefined
  /** The state before that step, where it is retained. */
  readonly before: Before | undefined
}

/** Moments of the past never change: those looked at lately are kept, so that going back and forth costs nothing. */
const PAST_MAX = 20

/** The moment at a step; of the present without one. While a past one is fetched the last stays shown. */
export function useMoment(live: LiveActor, address: string, at: number | undefined): { readonly moment: Moment | undefined; readonly error: Error | undefined } {
  const [past, setPast] = useState<{ readonly moment?: Moment; readonly error?: Error }>({})
  const [read] = useState(() => new Map<number, Promise<Moment>>())
  const latest = useLatestStep(live, address)

  useEffect(() => {
    if (at === undefined) return setPast({})
    let isCurrent = true
    const reading = read.get(at) ?? readMoment(address, at)
    read.delete(at)
    read.set(at, reading)
    for (const oldest of [...read.keys()].slice(0, -PAST_MAX)) read.delete(oldest)
    reading.then(
      moment => isCurrent && setPast({ moment }),
      (error: unknown) => {
        read.delete(at)
        if (isCurrent) setPast({ error: error as Error })
      },
    )
    return () => {
      isCurrent = false
    }
  }, [address, at, read])

  const now = useMemo(() => live.now && { actor: live.now, step: latest?.step, before: latest?.before }, [live.now, latest])
  return at === undefined ? { moment: now, error: undefined } : { moment: past.moment ?? now, error: past.error }
}

/** The last step before the page was opened is read once; those after it are seen to happen. */
function useLatestStep({ now, last }: LiveActor, address: string): LiveActor['last'] {
  const [first, setFirst] = useState<LiveActor['last']>()
  const isKnown = now !== undefined
  const seq = now?.seq
  useEffect(() => {
    if (seq === undefined) return
    let isCurrent = true
    readMoment(address, seq).then(
      ({ step, before }) => isCurrent && step && before && setFirst({ step, before }),
      () => undefined,
    )
    return () => {
      isCurrent = false
    }
    // Only for the first that is known: the later ones come by themselves.
  }, [address, isKnown])
  return last ?? first
}

async function readMoment(address: string, at: number): Promise<Moment> {
  const [actor, { steps }] = await Promise.all([call('snapshot', { address, at }), readAround(address, at)])
  const step = steps.find(({ seq }) => seq === at)
  const earlier = steps.find(({ seq }) => seq === at - 1)
  return { actor, step, before: earlier && { states: earlier.states, context: earlier.context ?? null } }
}

async function readAround(address: string, at: number): Promise<{ readonly steps: readonly Step[] }> {
  try {
    return await call('history', { address, from: Math.max(at - 2, 0), limit: 2, full: true })
  } catch (error) {
    // What was before the first step that is retained is gone.
    if ((error as { code?: string }).code !== 'history/trimmed') throw error
    return call('history', { address, from: at - 1, limit: 1, full: true }).catch(() => ({ steps: [] }))
  }
}
