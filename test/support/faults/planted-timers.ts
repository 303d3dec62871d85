import { vi } from 'vitest'
import { LiveActor } from '../../../src/host/xstate/live-actor.ts'

/** Timers as alarms under an id: a new one under the same id does not move the alarm of the old one. */
export function plantTimersById({ firesCancelled = false } = {}): void {
  type Due = NonNullable<ReturnType<LiveActor['dueTimer']>>
  const alarms = new WeakMap<LiveActor, Map<string, Due>>()
  const set = (live: LiveActor): void => {
    const known = alarms.get(live) ?? new Map<string, Due>()
    alarms.set(live, known)
    for (const [key, timer] of Object.entries(live.parts().timers)) if (!known.has(key)) known.set(key, { key, timer })
  }
  const { send, dueTimer } = LiveActor.prototype
  vi.spyOn(LiveActor.prototype, 'send').mockImplementation(function (this: LiveActor, ...args) {
    const step = send.apply(this, args)
    set(this)
    return step
  })
  vi.spyOn(LiveActor.prototype, 'dueTimer').mockImplementation(function (this: LiveActor, now) {
    const { timers } = this.parts()
    for (const [key, alarm] of alarms.get(this) ?? []) {
      if (alarm.timer.dueAt > now) continue
      alarms.get(this)?.delete(key)
      const current = timers[key]
      if (current) return { key, timer: current }
      if (firesCancelled) vi.spyOn(this, 'fire').mockImplementationOnce(() => send.call(this, alarm.timer.event))
      if (firesCancelled) return alarm
    }
    return dueTimer.call(this, now)
  })
}
