import type { ActorId } from '../core/address.ts'
import { addressOf } from '../core/address.ts'
import { encodePayload } from './payload.ts'
import type { HandleParts } from './handle.ts'
import { timeoutError } from './wait.ts'

/** A place in an actor's tree: the actor itself, or a child in process. */
interface PlaceInTree {
  readonly id: ActorId
  readonly path: string
}

/**
 * Sends an event to a place in an actor's tree and waits for the `reply` of the step that takes it; undefined when that step gave
 * none. Throws `ask/timeout`, and why the event is refused.
 */
export async function askPlace({ env, node, reader }: HandleParts, { id, path }: PlaceInTree, event: { readonly type: string }, timeoutMs: number): Promise<unknown> {
  const definition = reader.definition(id)
  const request = env.random.id()
  const message = env.nextMessageId()
  const body = { kind: 'event', event: encodePayload(definition, addressOf(id), event, 'event'), ...(path !== '' && { path }), ask: { node: env.node, request: `${request}:reply`, timeoutMs } } as const
  const late = Promise.withResolvers<never>()
  const timer = env.clock.setTimer(() => late.reject(timeoutError(addressOf(id), timeoutMs, undefined)), timeoutMs)
  const replied = node.expect(`${request}:reply`).then(({ value }) => ({ value }))
  replied.catch(() => undefined)
  try {
    const processed = node.submit({ id: message, to: id, from: null, at: env.clock.now(), body, correlation: message, causation: null, reply: { node: env.node, request } }, definition.limits.mailboxDepthMax)
    // Told in the same moment, in whichever order.
    const silence = processed.then(() => new Promise<undefined>(resolve => env.clock.soon(() => resolve(undefined))))
    return (await Promise.race([replied, silence, late.promise]))?.value
  } finally {
    env.clock.clearTimer(timer)
    node.forget(request)
    node.forget(`${request}:reply`)
  }
}
