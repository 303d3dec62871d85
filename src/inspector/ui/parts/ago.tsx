import { useEffect } from 'react'
import { createStore, useStore } from '../data/store.ts'

/** One clock for the page: whatever counts seconds is drawn again once a second, and only while something counts. */
const now = createStore(Date.now())
let readers = 0
let timer: ReturnType<typeof setInterval> | undefined

export function useNow(): number {
  useEffect(() => {
    if (readers++ === 0) timer = setInterval(() => now.set(Date.now()), 1_000)
    return () => {
      if (--readers === 0) clearInterval(timer)
    }
  }, [])
  return useStore(now)
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

/** `3 min`, `2 d`: the largest unit that fits, so that it seldom changes. */
function coarseDuration(ms: number): string {
  const [size, unit] = UNITS.find(([least]) => ms >= least) ?? [1, 'ms']
  return `${Math.floor(Math.max(ms, 0) / size)} ${unit}`
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
export const fullTime = (at: number): string => exact.format(at)

/** How long ago something was; the exact time at a hover. */
export function Ago({ at }: { readonly at: number }) {
  const age = useNow() - at
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
      {age < 1_000 ? 'now' : `${coarseDuration(age)} ago`}
    </time>
  )
}

/** Counts down to a time. */
export function Countdown({ to }: { readonly to: number }) {
  const left = to - useNow()
  return (
    <time dateTime={new Date(to).toISOString()} title={fullTime(to)} className="countdown">
      {left <= 0 ? 'due' : `in ${preciseDuration(left)}`}
    </time>
  )
}

function preciseDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3_600), Math.floor((seconds % 3_600) / 60)]
  const clock = [hours, minutes, seconds % 60].map(part => String(part).padStart(2, '0')).join(':')
  return days > 0 ? `${days} d ${clock}` : clock
}
