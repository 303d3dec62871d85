/** A pending call of `Clock.setTimer`. */
export interface TimerHandle {
  readonly timer: unknown
}

/**
 * Time as an argument. The engine asks nothing else for the time, so a test or a simulator
 * owns every instant of it.
 */
export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number
  /**
   * Calls `fn` once after `ms` milliseconds, never early; delays beyond 2^31 ms are the caller's to split. `upkeep` marks
   * what recurs for ever and changes no actor (lease renewal): a virtual clock that skips ahead runs it once per skip.
   */
  setTimer(fn: () => void, ms: number, upkeep?: 'upkeep'): TimerHandle
  clearTimer(handle: TimerHandle): void
  /** Calls `fn` after what is already waiting to run, so that I/O gets its turn. */
  soon(fn: () => void): void
}

/** Randomness as an argument. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** An id that no other node will ever make. */
  id(): string
}
