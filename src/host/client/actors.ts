import { createHash } from 'node:crypto'
import type { AnyActorLogic } from 'xstate'
import { addressOf, parseActorId, parseAddress } from '../../core/address.ts'
import type { Handlers } from '../../core/client/handler.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Body } from '../../core/message.ts'
import { conditionsOf } from '../actor-query.ts'
import { CANCEL_GRACE_MS } from '../handle.ts'
import type { AskOptions } from '../handle.ts'
import { request } from '../request.ts'
import type { ClientParts } from './parts.ts'
import { jsonIf, snapshotView } from './views.ts'

/** How long somebody waits for a result who does not say, in milliseconds. */
const RESULT_MS = 30_000

/** The key of an actor that a repetition of the same request must find again. */
const keyOf = (...of: readonly (string | number)[]): string => `i-${createHash('sha256').update(JSON.stringify(of)).digest('base64url').slice(0, 22)}`

export function actorHandlers(parts: ClientParts) {
  const { runtime, env, reader } = parts
  const ask = async (address: string, body: Body): Promise<{ readonly address: string; readonly seq: number }> => {
    const id = parseAddress(address)
    const { seq } = await request(parts, id, body, reader.definition(id).limits.mailboxDepthMax)
    return { address: addressOf(id), seq }
  }
  return {
    listActors: query => runtime.actors(query),
    tallyActors: selection => reader.store.tally(conditionsOf(selection)),
    startActor: async ({ machine, key, input, idempotencyKey }) => {
      const actor = runtime.actor(machine, key ?? (idempotencyKey === undefined ? env.random.id() : keyOf('start', machine, idempotencyKey)))
      await actor.start(input as never)
      return { address: actor.address }
    },
    snapshot: ({ address, at }) => snapshotView(parts, parseAddress(address), at),
    sendEvent: async ({ address, event, ...options }) => {
      await runtime.at(address).send(event as never, options)
      return { accepted: true }
    },
    askActor: async ({ address, event, until, timeoutMs, ...options }, { signal }) => {
      const asked: AskOptions<AnyActorLogic> = { ...options, signal, ...(until !== undefined && { until }), ...(timeoutMs !== undefined && { timeout: timeoutMs }) }
      const { seq, reply } = await runtime.at(address).ask(event as never, asked)
      return snapshotView(parts, parseAddress(address), seq, reply)
    },
    result: async ({ address, timeoutMs = RESULT_MS }, { signal }) => jsonIf('output', await runtime.at(address).result({ timeout: timeoutMs, signal })),
    forkActor: async ({ address, seq, key, idempotencyKey }) => {
      const made = idempotencyKey === undefined ? undefined : keyOf('fork', address, seq, idempotencyKey)
      const newKey = key ?? made ?? env.random.id()
      try {
        return { address: (await runtime.at(address).fork(seq, newKey)).address }
      } catch (error) {
        // Nobody else makes actors under that key: it is this fork, made before.
        if (newKey !== made || !(error instanceof TroupeError && error.code === 'actor/exists')) throw error
        return { address: `${parseActorId(parseAddress(address)).machine}/${newKey}` }
      }
    },
    pauseActor: ({ address }) => ask(address, { kind: 'pause' }),
    resumeActor: ({ address }) => ask(address, { kind: 'resume' }),
    cancelActor: ({ address, graceMs = CANCEL_GRACE_MS }) => ask(address, { kind: 'cancel', graceMs }),
    stopActor: ({ address }) => ask(address, { kind: 'stop' }),
  } satisfies Partial<Handlers>
}
