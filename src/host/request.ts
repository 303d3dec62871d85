import type { ActorId } from '../core/address.ts'
import type { Body } from '../core/message.ts'
import type { HandleParts } from './handle.ts'
import type { Settled } from './work.ts'

/** Asks something of an actor that is no event, and waits until it is carried out. Throws why it is refused. */
export function request({ env, node }: Pick<HandleParts, 'env' | 'node'>, to: ActorId, body: Body, depthMax: number): Promise<Settled> {
  const id = env.nextMessageId()
  return node.submit({ id, to, from: null, at: env.clock.now(), body, correlation: id, causation: null, reply: { node: env.node, request: env.random.id() } }, depthMax)
}
