/**
 * A recording is a file of JSON lines, each a request and the reply to it. Requests hold no headers and no keys, so
 * neither does the file. Invariants:
 * 1. A line is appended at once, so that lines of several writers do not mix.
 * 2. It begins with a line break of its own: what a crash has left of another line stays by itself, and is passed over.
 * 3. Only whole lines are read, and in their order: of several replies to one request the last counts.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { TroupeError } from '../../../src/core/errors.ts'
import type { Model, ModelReply, ModelRequest, ModelScope } from '../model.ts'
import { canonical, describeNearest } from './nearest.ts'
import { inPieces } from './scripted.ts'
import { modelIdOf, stepOf } from './to-model.ts'
import type { AnyModel } from './to-model.ts'

export interface RecordingOptions {
  /** The model that is recorded; only replay needs none. */
  readonly model?: AnyModel
  /** `replay`: only what is recorded, offline; `record`: asks the model every time; `fill`: asks it for what is missing. Default: `fill` with a model, else `replay`. */
  readonly mode?: 'replay' | 'record' | 'fill'
}

/**
 * A model that says again what another has said once: recorded with it, run offline ever after. A request is known by its
 * content, hints included. Throws `config/invalid` where there is nothing to record, and `model/unscripted` for a request
 * that is not in the file, naming the nearest that is.
 *
 * @example
 * recordedModel('review.jsonl', { model: openai('gpt-5-mini') }) // asks for what is missing
 * recordedModel('review.jsonl') // offline
 */
export function recordedModel(file: string, { model, mode = model === undefined ? 'replay' : 'fill' }: RecordingOptions = {}): Model {
  if (model === undefined && mode !== 'replay') throw new TroupeError('config/invalid', `recordedModel("${file}"): mode "${mode}" needs a \`model\` to record`)
  const modelId = model === undefined ? 'recorded' : modelIdOf(model)
  const step = mode === 'replay' || model === undefined ? undefined : stepOf(model)
  const replies = new Map<string, ModelReply>()
  let position = 0

  const find = (request: ModelRequest): ModelReply | undefined => {
    const hash = hashOf(request)
    if (!replies.has(hash)) {
      const { entries, end } = readEntries(file, position)
      for (const entry of entries) replies.set(hashOf(entry.request), entry.reply)
      position = end
    }
    return replies.get(hash)
  }

  const recorded = async (request: ModelRequest, scope: ModelScope): Promise<ModelReply> => {
    const known = mode === 'record' ? undefined : find(request)
    if (known) {
      for (const piece of inPieces(known.text)) scope.onText(piece)
      return known
    }
    if (!step) throw unrecorded(file, request)
    // Offline, too, it is paid as what it was.
    const reply: ModelReply = { modelId, ...(await step(request, scope)) }
    appendFileSync(file, `\n${JSON.stringify({ version: VERSION, request, reply } satisfies Entry)}\n`)
    return reply
  }
  return Object.assign(recorded, { modelId })
}

const VERSION = 1

interface Entry {
  readonly version: typeof VERSION
  readonly request: ModelRequest
  readonly reply: ModelReply
}

const hashOf = (request: ModelRequest): string => createHash('sha256').update(canonical(request)).digest('base64')

/** What stands in the file from a position on, and where the last whole line ends. */
function readEntries(file: string, position: number): { readonly entries: readonly Entry[]; readonly broken: number; readonly end: number } {
  if (!existsSync(file)) return { entries: [], broken: 0, end: position }
  const handle = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(handle).size - position))
    const read = readSync(handle, bytes, 0, bytes.length, position)
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n', read) + 1)
    const lines = whole.toString().split('\n').filter(line => line !== '')
    const entries = lines.map(parseEntry).filter(entry => entry !== undefined)
    return { entries, broken: lines.length - entries.length, end: position + whole.length }
  } finally {
    closeSync(handle)
  }
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null
    return entry?.version === VERSION && entry.request && entry.reply ? (entry as Entry) : undefined
  } catch {
    return undefined
  }
}

function unrecorded(file: string, request: ModelRequest): TroupeError {
  const { entries, broken } = readEntries(file, 0)
  const unreadable = broken === 0 ? '' : ` (unreadable lines: ${broken})`
  return new TroupeError('model/unscripted', `the recording ${file} holds ${entries.length} requests${unreadable}, not this one; ${describeNearest(request, entries.map(entry => entry.request))}`, { details: { file } })
}
