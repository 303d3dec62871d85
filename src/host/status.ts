import { addressOf } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import { TroupeError, fromErrorInfo } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { ActorStatus } from '../core/store.ts'
import { isSystemMachine } from '../core/system-machine.ts'

/** Why an actor that is not running takes no events or has no output. */
export function endedError({ address, status, failure }: { readonly address: string; readonly status: ActorStatus; readonly failure?: ErrorInfo | null | undefined }): TroupeError {
  const code = status === 'failed' ? 'actor/failed' : status === 'held' ? 'actor/held' : 'actor/ended'
  return new TroupeError(code, `${address} is ${status}${failure ? `: ${failure.message}` : ''}`, { address, ...(failure && { cause: fromErrorInfo(failure) }) })
}

export const unknownActor = (id: ActorId): TroupeError => new TroupeError('actor/unknown', `there is no actor ${addressOf(id)}`, { address: addressOf(id) })

/** Names of machines as people are told of them: their own. */
export const namesOf = (definitions: ReadonlyMap<string, unknown>): string => [...definitions.keys()].filter(name => !isSystemMachine(name)).join(', ') || 'none'

export const unknownMachine = (machine: string, definitions: ReadonlyMap<string, unknown>): TroupeError =>
  new TroupeError('machine/unknown', `no machine '${machine}' is registered; registered are ${namesOf(definitions)}`)
