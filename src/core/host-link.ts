import type { AnyActorRef } from 'xstate'

/** The system that all actors of one tree share. */
export type AnyActorSystem = AnyActorRef['system']

/**
 * How actor logic made by Troupe (`remote`, `reply`) reaches the host that runs it, if one does. The host registers
 * itself per actor system; under plain `createActor` there is none.
 */
export interface HostLink {
  /** Identity of the durable actor that stands behind a proxy. */
  childAddress(proxy: AnyActorRef, machine: string, spread: boolean): string
  /** Asks for the durable actor after the commit of the current step. */
  spawn(proxy: AnyActorRef, address: string, input: unknown): void
  stop(address: string): void
  /** The `ask` whose event this actor is handling now. */
  askAtHand(self: AnyActorRef): string | null
}

const LINK = Symbol('troupe.host')

type Linked = AnyActorSystem & { [LINK]?: HostLink }

export const hostLinkOf = (system: AnyActorSystem): HostLink | undefined => (system as Linked)[LINK]

/** A property, no WeakMap: with an entry per live actor the garbage collector would spend its time on that one. */
export function linkHost(system: AnyActorSystem, link: HostLink): void {
  ;(system as Linked)[LINK] = link
}
