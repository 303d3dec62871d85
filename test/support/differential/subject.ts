import fc from 'fast-check'
import type { AnyStateMachine } from 'xstate'
import type { Feature } from './features.ts'

/** The one event type of all machines under test. */
export interface TestEvent {
  readonly type: string
  readonly n?: number
}

/**
 * A machine under differential test. Deterministic: no randomness, promises settle from their input alone, child ids
 * are explicit, JSON can hold the context, delays are whole milliseconds.
 */
export interface Subject {
  readonly name: string
  readonly machine: AnyStateMachine
  readonly input?: unknown
  readonly events: fc.Arbitrary<TestEvent>
  readonly features: readonly Feature[]
  /**
   * The machine runs code beside itself (callbacks, observables). What such code was told or has said but is not handled
   * yet dies with the process, by nature: crashes come only when it is quiet.
   */
  readonly live?: boolean
  /**
   * Something happens in the machine by itself without time passing (a promise settles, a delay is 0), and it matters
   * whether that is before or after the next event: no bursts.
   */
  readonly racy?: boolean
}

export const oneOf = (...types: readonly string[]): fc.Arbitrary<TestEvent> => fc.constantFrom(...types).map(type => ({ type }))

/** Events that carry a small number. */
export const numbered = (max: number, ...types: readonly string[]): fc.Arbitrary<TestEvent> => fc.record({ type: fc.constantFrom(...types), n: fc.integer({ min: 0, max }) })

export interface Trail {
  readonly trail: readonly string[]
}
