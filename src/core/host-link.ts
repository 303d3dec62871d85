import type { AnyActorRef } from 'xstate'

/** The system that all actors of one tree share. */
export type AnyActorSystem = AnyActorRef['system']

/**
 * How actor logic made by Troupe (`remote`, `reply`) reaches the host that runs it, if one does. The host registers
 * itself per actor system; under plain `createActor` there is none.
 */
export interface HostLink {
  /** Identity of the durable actor that stands behind a proxy. */
  childAddress(proxy: AnyActorRef, machine: string): string
  /** Asks for the durable actor after the commit of the current step. */
  spawn(proxy: AnyActorRef, address: string, input: unknown): void
  stop(address: string): void
}

const links = new WeakMap<AnyActorSystem, HostLink>()

export const hostLinkOf = (system: AnyActorSystem): HostLink | undefined => links.get(system)

export function linkHost(system: AnyActorSystem, link: HostLink): void {
  links.set(system, link)
}
