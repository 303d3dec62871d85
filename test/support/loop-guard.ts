/** Longest stretch of CPU time that the main thread may take without a turn of its event loop. */
export const STRETCH_MS_MAX = 200

export interface LoopGuard extends Disposable {
  /** The longest since it was asked last, in milliseconds. */
  longestMs(): number
}

/**
 * Watches the event loop of this process. It counts the thread's CPU time between two turns, not the time by the clock: on a busy
 * machine a process that does nothing wrong waits for a core for longer than any bound.
 */
export function guardLoop(): LoopGuard {
  let longestMs = 0
  let before = process.threadCpuUsage()
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before)
    longestMs = Math.max(longestMs, (user + system) / 1_000)
    before = process.threadCpuUsage()
  }
  const timer = setInterval(look, 1).unref()
  return {
    longestMs() {
      look()
      const longest = longestMs
      longestMs = 0
      return longest
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
