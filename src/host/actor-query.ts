import { DEFAULT_TENANT, parseAddress } from '../core/address.ts'
import { TroupeError } from '../core/errors.ts'
import { actorStatuses } from '../core/store.ts'
import type { ActorConditions, ActorOrder, ActorStatus } from '../core/store.ts'
import { SYSTEM_PREFIX } from '../core/system-machine.ts'

/** Which actors; all conditions hold at once. */
export interface ActorSelection {
  /** Name of a registered machine. */
  readonly machine?: string
  readonly status?: ActorStatus
  /** A state path that is active, such as `pay.waiting`. */
  readonly state?: string
  readonly tag?: string
  /** Address of a root actor: it and all that was spawned under it. */
  readonly run?: string
  /** Part of the key, letter by letter. */
  readonly text?: string
  /** Milliseconds since the epoch: the last change was earlier than this, or later. */
  readonly updatedBefore?: number
  readonly updatedAfter?: number
}

export interface ActorQuery extends ActorSelection {
  /** By creation. Default 'oldest'. */
  readonly order?: ActorOrder
  /** From the page before; with the other order it leads back. */
  readonly cursor?: string
  /** Default 100, at most 1,000. */
  readonly limit?: number
}

/** The selection as a store takes it: without Troupe's own actors, unless they are asked for by name. Throws `config/invalid`, `address/invalid`. */
export function conditionsOf({ machine, status, state, tag, run, text, updatedBefore, updatedAfter }: ActorSelection): ActorConditions {
  if (status !== undefined && !actorStatuses.includes(status)) throw new TroupeError('config/invalid', `status must be one of ${actorStatuses.join(', ')}, not ${String(status)}`)
  return {
    tenant: DEFAULT_TENANT,
    ...(machine === undefined ? run === undefined && { machinesExcept: SYSTEM_PREFIX } : { machine }),
    ...(status !== undefined && { status }),
    ...(state !== undefined && { state }),
    ...(tag !== undefined && { tag }),
    ...(run !== undefined && { run: parseAddress(run) }),
    ...(text !== undefined && { text }),
    ...(updatedBefore !== undefined && { updatedBefore }),
    ...(updatedAfter !== undefined && { updatedAfter }),
  }
}
