import type { AnyActorRef, AnyEventObject } from 'xstate'
import { z } from 'zod'
import { actorAt } from '../src/core/targets.ts'

/** `machine/key` */
export const addressSchema = z.string().regex(/^[^/]+\/./, 'an address is machine/key')

interface Enqueuer {
  sendTo(target: AnyActorRef, event: AnyEventObject): void
  sendParent(event: AnyEventObject): void
}

/** Sends an event to an address, or to the parent where there is none. */
export function handOn(enqueue: Enqueuer, to: string | undefined, event: AnyEventObject): void {
  if (to === undefined) enqueue.sendParent(event)
  else enqueue.sendTo(actorAt(to), event)
}
