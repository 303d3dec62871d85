import { useEffect } from 'react'
import { useCall } from '../../data/use-call.ts'
import { createStore, useStore } from '../../data/store.ts'
import { sampleOf, withSample } from './samples.ts'
import type { Sample } from './samples.ts'

const EVERY_MS = 1_000

/** Kept while other pages are shown, so that coming back shows what was. */
const samples = createStore<readonly Sample[]>([])

/** The health of the node now, and what it was while somebody looked. */
export function useSamples() {
  const health = useCall('health', {}, { everyMs: EVERY_MS })
  const { data } = health
  useEffect(() => {
    if (data) samples.set(withSample(samples.get(), sampleOf(data)))
  }, [data])
  return { ...health, samples: useStore(samples) }
}
