import type { AnyActorLogic, AnyActorRef, EventObject } from 'xstate'
import type { PersistedSnapshot } from '../../core/document.ts'

/** What XState 5.33 does not type but has: see the facts in the header of `live-actor.ts`. */
export interface Internals {
  _parent: unknown
  logic: AnyActorLogic
  _send(event: EventObject): void
  _stop(): void
  readonly _snapshot: PersistedSnapshot
}

export const internals = (ref: AnyActorRef): Internals => ref as unknown as Internals

export interface InspectionEvent {
  readonly type: string
  readonly actorRef: AnyActorRef
}

export interface System {
  _relay(source: AnyActorRef | undefined, target: AnyActorRef, event: EventObject): void
  _sendInspectionEvent(event: InspectionEvent): void
  scheduler: AnyActorRef['system']['scheduler']
}

/** Path of an actor in its tree: '' for the root, else '/id/id'. */
export function pathOf(ref: AnyActorRef): string {
  const parent = internals(ref)._parent as AnyActorRef | undefined
  return parent && 'logic' in parent ? `${pathOf(parent)}/${escapePart(ref.id)}` : ''
}

export const escapePart = (id: string): string => (id.includes('/') || id.includes('~') ? id.replaceAll('~', '~0').replaceAll('/', '~1') : id)
export const unescapePart = (part: string): string => (part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part)
