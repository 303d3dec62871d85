import type { z } from 'zod'
import { addressOf, parseActorId } from '../../core/address.ts'
import type { ActorId } from '../../core/address.ts'
import type { ShownOutput } from '../../core/client/handler.ts'
import type { childView, openTask, timer } from '../../core/client/views.ts'
import type { ActorDocument, TimerDocument } from '../../core/document.ts'
import { toErrorInfo } from '../../core/errors.ts'
import { encodeJson } from '../../core/json.ts'
import type { JournalEntry } from '../../core/journal.ts'
import { decodeError } from '../coding.ts'
import { statesOf } from '../../core/states.ts'
import { kindOf, isMachine } from '../xstate/logic.ts'
import { tagsOf, treeOf } from '../xstate/tree.ts'
import type { TreePart } from '../xstate/tree.ts'
import type { ClientParts } from './parts.ts'

/** Documents and records as clients see them: plain JSON. */

export type Json = z.core.util.JSONType
type View<T extends z.ZodType> = Readonly<z.output<T>>

/** Typed arrays and errors in the form in which the store writes them. */
export const toJson = (value: unknown): Json => (isPlain(value) ? value : (JSON.parse(encodeJson(value ?? null, true)) as Json))

const isPlain = (value: unknown): value is string | number | boolean | null => value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** Where it is shown only if there is one. */
export const jsonIf = <TName extends string>(name: TName, value: unknown): { readonly [K in TName]?: Json } => (value === undefined ? {} : ({ [name]: toJson(value) } as { readonly [K in TName]: Json }))

/** Other nodes may know machines that this one does not. */
export function documentTree({ env }: Pick<ClientParts, 'env'>, id: ActorId, document: ActorDocument): readonly TreePart[] {
  const { machine } = parseActorId(id)
  return treeOf({ src: machine, logic: env.definitions.get(machine)?.logic, snapshot: document.snapshot })
}

/** The state of an actor at a sequence number, or the last one. */
export async function snapshotView(parts: ClientParts, id: ActorId, at?: number, reply?: unknown): Promise<ShownOutput<'snapshot'>> {
  const { record, document } = await parts.reader.document(id, at)
  const seq = at ?? record.seq
  const isLast = seq === record.seq
  const { snapshot, failure } = document
  const { machine, key } = parseActorId(id)
  const tree = documentTree(parts, id, document)
  return {
    address: addressOf(id), machine, key, run: addressOf(record.run), parent: record.parent && addressOf(record.parent),
    seq, lastSeq: record.seq, status: isLast ? record.status : document.status,
    value: toJson(snapshot.value), states: statesOf(snapshot.value), tags: tagsOf(tree), context: toJson(snapshot.context), ...jsonIf('output', snapshot.output),
    error: snapshot.status === 'error' ? errorView(snapshot.error) : null,
    failure: isLast && record.error !== null ? decodeError(parts.env.codec, id, record.error, record.seq) : failure,
    version: document.version, hash: document.hash, waiting: record.parked, createdAt: record.createdAt, updatedAt: record.updatedAt, completedAt: record.completedAt,
    children: tree.slice(1).map(childOf), ...pendingOf(document, tree), ...jsonIf('reply', reply),
  }
}

/** Timers and tasks of an actor. */
export const pendingOf = ({ timers, tasks }: Pick<ActorDocument, 'timers' | 'tasks'>, tree: readonly TreePart[]): { readonly timers: readonly View<typeof timer>[]; readonly tasks: readonly View<typeof openTask>[] } => ({
  timers: Object.values(timers).map(({ id, event, source, target, dueAt }) => ({ id, event: event.type, source, target: targetOf(target), dueAt })),
  tasks: Object.values(tasks).map(({ id, path, attempt, failures, crashes, dueAt, input }) => ({ id, path, name: tree.find(part => part.path === path)?.src ?? '', attempt, failures, crashes, dueAt, input: toJson(input) })),
})

const targetOf = (target: TimerDocument['target']): string => (typeof target === 'string' ? target : `${target.address}${target.path ?? ''}`)

function childOf({ path, src, logic, snapshot }: TreePart): View<typeof childView> {
  const { address } = snapshot as { readonly address?: ActorId }
  const kind = logic && kindOf(logic)
  return {
    path, src, status: snapshot.status, address: address === undefined ? null : addressOf(address), value: toJson(snapshot.value),
    kind: isMachine(logic) ? 'machine' : kind === 'task' || kind === 'remote' ? kind : 'logic',
  }
}

/** One step with the state after it. */
export function stepView(parts: Pick<ClientParts, 'env'>, id: ActorId, entry: JournalEntry, document: ActorDocument, full = false): ShownOutput<'history'>['steps'][number] {
  const { seq, at, kind, id: message, from, correlation, causation, event, path, error, emitted, sent } = entry
  const { snapshot } = document
  return {
    seq, at, kind,
    ...(message !== undefined && { id: message }), ...(from !== undefined && { from: addressOf(from) }), ...(correlation !== undefined && { correlation }), ...(causation !== undefined && { causation }),
    ...(event && { event: toJson(event) as { type: string } }), ...(path !== undefined && { path }), ...(error && { error }),
    ...(emitted && { emitted: emitted.map(toJson) }), ...(sent && { sent: sent.map(({ to, type }) => ({ to: addressOf(to), type })) }),
    states: statesOf(snapshot.value), status: document.status, value: toJson(snapshot.value), tags: tagsOf(documentTree(parts, id, document)),
    ...(full && { context: toJson(snapshot.context), ...jsonIf('output', snapshot.output) }),
  }
}

function errorView(error: unknown): ShownOutput<'snapshot'>['error'] {
  return error === undefined ? null : toErrorInfo(error)
}
