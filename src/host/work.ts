import { TroupeError } from '../core/errors.ts'
import type { Message, Outcome } from '../core/message.ts'
import type { ActorSnapshot } from './snapshot.ts'

/** A message in the hands of the partition's owner, with where it came from. */
export interface Work {
  readonly message: Message
  /** Position in the inbox, for messages that came through it. */
  readonly inboxPosition?: number
  /** Position among the parked messages. */
  readonly parkedPosition?: number
  /** Who waits in this process: told after the commit, or of the error when there will be none. */
  readonly waiter?: Waiter
}

/** What a requester in the same process is given: the outcome, and the actor's state after it if it wants that. */
export interface Settled extends Outcome {
  readonly snapshot?: () => ActorSnapshot
}

/**
 * A requester in this process. Who only wants to know that an event is durable is not told what became of it: a poisoned
 * one lies durably in the dead letters.
 */
export interface Waiter {
  /** Whether the outcome, with the state after the step, is of interest: keeping it costs. */
  readonly wantsOutcome: boolean
  /** With nothing, for those who want nothing. */
  resolve(outcome?: Settled): void
  reject(error: unknown): void
}

export function settle(waiter: Waiter, outcome: Settled): void {
  const { error } = outcome
  if (waiter.wantsOutcome) return error === undefined ? waiter.resolve(outcome) : waiter.reject(error)
  const isDurable = error === undefined || (error instanceof TroupeError && error.code === 'event/poisoned')
  return isDurable ? waiter.resolve() : waiter.reject(error)
}
