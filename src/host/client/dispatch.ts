import { operations } from '../../core/client/client.ts'
import type { CallOptions, Client, OperationName } from '../../core/client/client.ts'
import type { Call } from '../../core/client/handler.ts'
import { isAllowed } from '../../core/client/operation.ts'
import type { Caller } from '../../core/client/operation.ts'
import { TroupeError } from '../../core/errors.ts'
import { createBorder, seal } from '../../core/json.ts'
import { createHandlers } from './handlers.ts'
import type { ClientParts } from './parts.ts'
import { refuseSystemActors } from './system-actors.ts'

/** Levels of a request around the payload in it. */
const ENVELOPE_DEPTH = 4
/** Faults of a request that its refusal names. */
const ISSUES_MAX = 5

type Handle = (input: unknown, call: Call) => Promise<unknown> | AsyncIterable<unknown>

/**
 * The one door in process: each call is looked up in the table, its caller's role compared with the row's, its input checked,
 * and what changes anything told to the audit, whatever comes of it.
 */
export function createClient(parts: ClientParts, caller: Caller): Client {
  const handlers = { ...createHandlers(parts), ...parts.extras.handlers } as Readonly<Partial<Record<OperationName, Handle>>>
  const admit = (name: OperationName, input: unknown): { readonly handle: Handle; readonly input: unknown } => {
    const { role, input: schema } = operations[name]
    if (!isAllowed(caller.role, role)) throw new TroupeError('access/denied', `${name} is for the role ${role}: ${caller.name ?? 'the caller'} is ${caller.role}`, { details: { operation: name, role } })
    const handle = handlers[name]
    if (!handle) throw new TroupeError('request/unknown', `this runtime does not answer ${name}`)
    // Before the schema: it bounds the depth to which that descends.
    seal(input, 'input', createBorder('request/invalid', parts.env.limits.jsonDepthMax + ENVELOPE_DEPTH, false))
    const { error } = schema.safeParse(input)
    if (error) throw new TroupeError('request/invalid', `${name}: ${error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => `${path.join('.') || 'input'}: ${message}`).join('; ')}`)
    refuseSystemActors(name, input as object)
    // As it was given: what a schema of any JSON makes of it lacks some keys.
    return { handle, input: Object.fromEntries(Object.entries(input as object).filter(([, value]) => value !== undefined)) }
  }
  const audit = (name: OperationName, input: unknown, error?: unknown): void => {
    if (!operations[name].mutates || !parts.extras.onAudit) return
    const outcome = error === undefined ? 'done' : error instanceof TroupeError ? error.code : 'error'
    try {
      parts.extras.onAudit({ at: parts.env.clock.now(), caller, operation: name, target: targetOf(input), outcome })
    } catch (failure) {
      parts.env.report(failure)
    }
  }
  const call = (name: OperationName) => async (given: unknown = {}, { signal = NEVER }: CallOptions = {}): Promise<unknown> => {
    try {
      const { handle, input } = admit(name, given)
      const answer = await unless(signal, handle(input, { caller, signal }) as Promise<unknown>)
      audit(name, given)
      return answer
    } catch (error) {
      audit(name, given, error)
      throw error
    }
  }
  const stream = (name: OperationName) => (given: unknown = {}, { signal }: CallOptions = {}): AsyncIterable<unknown> => ({
    [Symbol.asyncIterator]: () => {
      const left = new AbortController()
      const open = (async function* () {
        const { handle, input } = admit(name, given)
        yield* handle(input, { caller, signal: signal ? AbortSignal.any([signal, left.signal]) : left.signal }) as AsyncIterable<unknown>
      })()
      return {
        next: () => open.next(),
        // A generator that waits hears of its end only when it goes on: the signal has it go on.
        return: () => (left.abort(), open.return(undefined)),
      }
    },
  })
  return Object.fromEntries((Object.keys(operations) as OperationName[]).map(name => [name, operations[name].stream ? stream(name) : call(name)])) as Client
}

const NEVER = new AbortController().signal

/** What comes of it, unless nobody waits any more. */
function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  if (signal === NEVER) return work
  const left = Promise.withResolvers<never>()
  const leave = (): void => left.reject(signal.reason)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  return Promise.race([work, left.promise]).finally(() => signal.removeEventListener('abort', leave))
}

/** The actor or thing that a call names. */
function targetOf(input: unknown): string | null {
  const { address, id } = (typeof input === 'object' && input !== null ? input : {}) as { readonly address?: unknown; readonly id?: unknown }
  return typeof address === 'string' ? address : typeof id === 'string' ? id : null
}
