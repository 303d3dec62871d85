/** Who remembers which models fail. The one that is made here knows of its own process alone. */
export interface ModelBreaker {
  /** Whether the model is to be left alone for now. */
  isOpen(modelId: string): boolean
  /** Told of the end of each call that says something about the model's health. */
  ended(modelId: string, ok: boolean): void
}

export interface BreakerOptions {
  /** Failures in a row that open it. Default 5. */
  readonly failuresMax?: number
  /** How long it stays open, in milliseconds; then one call may try. Default 30,000. */
  readonly openMs?: number
  /** Monotonic time in milliseconds. */
  readonly now?: () => number
}

/** A circuit breaker per model: closed, open for a while, then half open for one call at a time. */
export function modelBreaker({ failuresMax = 5, openMs = 30_000, now = () => performance.now() }: BreakerOptions = {}): ModelBreaker {
  const models = new Map<string, { readonly failures: number; readonly openUntil: number }>()
  return {
    isOpen(modelId) {
      const state = models.get(modelId)
      if (!state || state.failures < failuresMax) return false
      if (now() < state.openUntil) return true
      // Whoever asks first after that time tries; the others wait as long again, should nobody hear how it went.
      models.set(modelId, { ...state, openUntil: now() + openMs })
      return false
    },
    ended(modelId, ok) {
      if (ok) models.delete(modelId)
      else models.set(modelId, { failures: (models.get(modelId)?.failures ?? 0) + 1, openUntil: now() + openMs })
    },
  }
}
