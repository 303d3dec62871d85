import { sendTo } from 'xstate'
import type { AnyActorRef, AnyEventObject, MachineContext } from 'xstate'
import { parseAddress } from './address.ts'
import { hostLinkOf } from './host-link.ts'

/** A durable actor as data: it survives JSON, so machines may keep it in context and put it in events. */
export interface ActorAddress {
  /** `machine/key` */
  readonly address: string
  /** A child inside that actor, as `/child/grandchild`; the actor itself when missing. */
  readonly path?: string
}

const REPLY_EVENT = 'troupe.reply'
const REPLY_ADDRESS = '#reply'
const LETTER_EVENT = 'troupe.letter'
const LETTERS_ADDRESS = '#dead-letters'

/** Lets plain XState relay to an address in a unit test, where nobody listens. */
const deaf = <T extends object>(target: T): T => Object.defineProperty(target, '_send', { value: () => undefined, enumerable: false })

/**
 * A target for `sendTo`: another durable actor, wherever it lives. Throws `address/invalid`.
 *
 * @example
 * sendTo(actorAt('order/42'), { type: 'PAID' })
 */
export function actorAt(address: string): ActorAddress & AnyActorRef {
  parseAddress(address)
  return deaf({ address }) as unknown as ActorAddress & AnyActorRef
}

const replyTarget = deaf({ address: REPLY_ADDRESS }) as unknown as AnyActorRef
const letterTarget = deaf({ address: LETTERS_ADDRESS }) as unknown as AnyActorRef

/** An address object met as the target of a send; undefined for live actors. */
export function addressTarget(target: unknown): ActorAddress | undefined {
  if (typeof target !== 'object' || target === null || 'logic' in target) return undefined
  const { address } = target as Partial<ActorAddress>
  return typeof address === 'string' ? (target as ActorAddress) : undefined
}

export const isReplyTarget = (target: ActorAddress): boolean => target.address === REPLY_ADDRESS
export const isLetterTarget = (target: ActorAddress): boolean => target.address === LETTERS_ADDRESS

/** Says who asked, for a `reply` in a later step: null when nobody waits for one. Keep it in context with what it is about. */
export const askAtHand = (self: AnyActorRef): string | null => hostLinkOf(self.system)?.askAtHand(self) ?? null

/**
 * Answers the `ask(event, { until: 'reply' })` whose event is at hand; in a later step, the oldest one that was not answered
 * and still waits. With `to` it answers that one (from `askAtHand`) and no other. Without one, or under plain `createActor`,
 * it does nothing.
 *
 * @example
 * on: { total: { actions: reply(({ context }) => context.total) } }
 */
export function reply<TContext extends MachineContext, TExpressionEvent extends AnyEventObject, TEvent extends AnyEventObject>(
  value: (args: { context: TContext; event: TExpressionEvent }) => unknown,
  { to }: { readonly to?: (args: { context: TContext; event: TExpressionEvent }) => string | null } = {},
) {
  return sendTo<TContext, TExpressionEvent, undefined, AnyActorRef, TEvent, never, never>(
    replyTarget,
    (args: { context: TContext; event: TExpressionEvent }) => ({ type: REPLY_EVENT, value: value(args), ...(to && { to: to(args) }) }) as never,
  )
}

/** What an actor puts aside until somebody replays or discards it. */
export interface Letter {
  /** The actor gets it again when the letter is replayed. */
  readonly event: AnyEventObject
  /** Why it could not be handled now. */
  readonly error: unknown
}

/**
 * Puts an event of the actor's own into the dead letters, with its cause: what it could not do and cannot give up. The
 * actor goes on meanwhile; replaying the letter sends it the event. Under plain `createActor` it does nothing.
 *
 * @example
 * held: { entry: deadLetter(({ event }) => ({ event: { type: 'RETRY' }, error: event.error })), on: { RETRY: 'undoing' } }
 */
export function deadLetter<TContext extends MachineContext, TExpressionEvent extends AnyEventObject, TEvent extends AnyEventObject>(letter: (args: { context: TContext; event: TExpressionEvent }) => Letter) {
  return sendTo<TContext, TExpressionEvent, undefined, AnyActorRef, TEvent, never, never>(letterTarget, (args: { context: TContext; event: TExpressionEvent }) => ({ type: LETTER_EVENT, letter: letter(args) }) as never)
}
