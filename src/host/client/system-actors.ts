import type { OperationName } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import { isSystemMachine } from '../../core/system-machine.ts'

/** What these tell of an actor is fit for everybody: neither context nor input. */
const TELLING: readonly OperationName[] = ['listActors', 'tallyActors', 'follow']

/** Actors of Troupe itself are reached by operations of their own: they keep secrets, and their events have rules. Throws `access/denied`. */
export function refuseSystemActors(operation: OperationName, input: object): void {
  if (TELLING.includes(operation)) return
  const { address, run, machine, filter } = input as { readonly [name: string]: unknown }
  for (const named of [address, run, machine]) {
    if (typeof named === 'string' && isSystemMachine(named)) throw new TroupeError('access/denied', `${operation}: ${named} is Troupe's own, and not to be reached so`)
  }
  if (typeof filter === 'object' && filter !== null) refuseSystemActors(operation, filter)
}
