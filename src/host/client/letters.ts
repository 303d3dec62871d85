import { DEFAULT_TENANT, addressOf, parseActorId, parseAddress } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { Handlers, ShownOutput } from '../../core/client/handler.ts'
import { TroupeError, toErrorInfo } from '../../core/errors.ts'
import { decodeJson } from '../../core/json.ts'
import { pageSize } from '../../core/limits.ts'
import type { Body, LocalBody } from '../../core/message.ts'
import type { DeadLetter } from '../../core/store.ts'
import { isSystemMachine } from '../../core/system-machine.ts'
import { readMessage } from '../batch.ts'
import { decodeError } from '../coding.ts'
import type { ClientParts } from './parts.ts'
import { PAGE_CHARS_MAX } from './scan.ts'
import { toJson } from './views.ts'
import type { Json } from './views.ts'

type LetterView = ShownOutput<'deadLetter'>

export function letterHandlers({ env, reader, runtime }: ClientParts) {
  const view = ({ id, actor, at, data, cause, state, resolvedAt, reason }: DeadLetter): LetterView => {
    const shown = { id, address: addressOf(actor), at, state, resolvedAt, reason }
    try {
      const { body, from } = readMessage({ id, to: actor, at, data }, env.codec)
      const content = contentOf(body)
      // Actors of Troupe itself keep secrets.
      return { ...shown, ...content, event: isSystemActor(actor) ? null : content.event, from: from && addressOf(from), cause: decodeError(env.codec, actor, cause) }
    } catch (error) {
      // Kept because it could not be read: it must not hide the others.
      return { ...shown, kind: 'unreadable', event: null, task: null, from: null, cause: toErrorInfo(error) }
    }
  }
  const find = async (id: string): Promise<LetterView> => {
    const [letter] = await reader.store.deadLetters({ id, limit: 1 })
    if (!letter || parseActorId(letter.actor).tenant !== DEFAULT_TENANT) throw new TroupeError('dead-letter/unknown', `there is no dead letter ${id}`)
    return view(letter)
  }
  return {
    listDeadLetters: async ({ address, state, cursor, limit }) => {
      const size = pageSize(limit)
      const letters = await runtime.deadLetters.stored({ limit: size, ...(address !== undefined && { address }), ...(state !== undefined && { state }), ...(cursor !== undefined && { after: cursor }) })
      const shown = lightest(letters)
      const isLast = shown.length === letters.length && letters.length < size
      const last = shown.at(-1)
      return { letters: shown.map(view), ...(!isLast && last && { cursor: last.id }) }
    },
    deadLetter: ({ id }) => find(id),
    replayDeadLetter: async ({ id, event }) => {
      const { address } = await find(id)
      if (event && isSystemActor(parseAddress(address))) throw new TroupeError('access/denied', `replayDeadLetter: ${address} is Troupe's own, and takes its own events only`, { address })
      await runtime.deadLetters.replay(id, event && { event: event as { type: string } })
      return find(id)
    },
    discardDeadLetter: async ({ id, reason }) => {
      await find(id)
      await runtime.deadLetters.discard(id, reason)
      return find(id)
    },
  } satisfies Partial<Handlers>
}

const isSystemActor = (id: ActorId): boolean => isSystemMachine(parseActorId(id).machine)

/** As many, at least one, as an answer may hold. */
function lightest(letters: readonly DeadLetter[]): readonly DeadLetter[] {
  let chars = 0
  const heavy = letters.findIndex(({ data, cause }, index) => (chars += data.length + cause.length) > PAGE_CHARS_MAX && index > 0)
  return heavy < 0 ? letters : letters.slice(0, heavy)
}

/** What could not be processed: an event, the input of a start, what came of a task. */
function contentOf(body: Body): { readonly kind: string; readonly event: Json; readonly task: string | null } {
  const shown = body as Body | Extract<LocalBody, { kind: 'task' }>
  switch (shown.kind) {
    case 'event':
      return { kind: 'event', event: toJson(decodeJson(shown.event)), task: null }
    case 'start':
    case 'spawn':
      return { kind: shown.kind, event: toJson(decodeJson(shown.input)), task: null }
    case 'task':
      return { kind: 'task', event: toJson(shown.outcome), task: shown.task }
    case 'fork':
      return { kind: 'fork', event: null, task: null }
    default:
      return { kind: shown.kind, event: toJson(shown), task: null }
  }
}
