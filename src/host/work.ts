import type { Message, Outcome } from '../core/message.ts'
import type { ActorSnapshot } from './snapshot.ts'

/** A message in the hands of the partition's owner, with where it came from. */
export interface Work {
  readonly message: Message
  /** Position in the inbox, for messages that came through it. */
  readonly inboxPosition?: number
  /** Position among the parked messages. */
  readonly parkedPosition?: number
  /** Who waits in this process. Called after the commit, or with an error when there will be none. */
  readonly waiter?: Waiter
}

/** What a requester in the same process is given: the outcome, and the actor's state after it if it wants that. */
export interface Settled extends Outcome {
  readonly snapshot?: () => ActorSnapshot
}

export interface Waiter {
  /** Whether the state after the step is of interest: keeping it costs. */
  readonly wantsSnapshot: boolean
  settle(outcome: Settled): void
  /** The work was not done and may be handed elsewhere: the partition is not ours any more. */
  reroute(): void
}
