import { z } from 'zod'
import type { ErrorInfo } from '../errors.ts'
import { actorStatuses, deadLetterStates } from '../store.ts'

/** What clients see of actors, as plain JSON: shapes of answers. Times are milliseconds since the epoch. */

const text = z.string()
export const time = z.number()
const count = z.int().min(0)
/** Anything that JSON holds. Typed arrays are shown as `{ $: kind, base64 }`, errors as `{ $: 'Error', … }`: as the store writes them. */
export const json = z.json()
/** `machine/key` */
export const address = z.string().min(3).max(1_200)
/** From the page or item before, unchanged. The longest are those of `follow` on a store with 1,024 partitions. */
export const cursor = z.string().max(8_192)
/** Entries of a page. */
export const limit = z.int().min(1).max(1_000)
export const seq = z.int().min(0)

/** JSON Schema (draft 2020-12). */
export const jsonSchema = z.record(text, z.unknown())

export const errorInfo: z.ZodType<ErrorInfo> = z
  .object({ name: text, message: text, code: text.optional(), address: text.optional(), details: z.unknown().optional(), stack: text.optional(), cause: z.lazy(() => errorInfo).optional() })
  .meta({ id: 'ErrorInfo' }) as z.ZodType<ErrorInfo>

export const actorStatus = z.enum(actorStatuses)
export const letterState = z.enum(deadLetterStates)

export const actorInfo = z
  .object({
    address, machine: text, key: text,
    /** Address of the root of its run. */
    run: address, parent: address.nullable(),
    status: actorStatus, states: z.array(text), tags: z.array(text), seq, version: text,
    /** Events that wait while it is paused or held. */
    waiting: count, openTasks: count, dueAt: time.nullable(), createdAt: time, updatedAt: time, completedAt: time.nullable(), failure: errorInfo.nullable(),
  })
  .meta({ id: 'Actor' })

/** A delayed event that waits. */
export const timer = z.object({ id: text, event: text, source: text, target: text, dueAt: time }).meta({ id: 'Timer' })

/** A durable invoke that runs or waits for its next attempt. */
export const openTask = z
  .object({ id: text, /** Path of the invoke in the actor's tree. */ path: text, /** Its source in the machine. */ name: text, attempt: count, failures: count, crashes: count, /** When the next attempt is due; null while one runs. */ dueAt: time.nullable(), input: json })
  .meta({ id: 'Task' })

/** A part of the actor's tree: in process, or, with an address, a durable actor of its own. */
export const childView = z
  .object({ path: text, src: text, kind: z.enum(['machine', 'logic', 'task', 'remote']), address: address.nullable(), status: text, value: json.nullable() })
  .meta({ id: 'Child' })

export const snapshotView = z
  .object({
    address, machine: text, key: text, run: address, parent: address.nullable(),
    /** The step after which it is shown. */
    seq,
    /** The last step there is. */
    lastSeq: seq,
    status: actorStatus,
    /** State value as XState has it; null for logic without states. */
    value: json.nullable(), states: z.array(text), tags: z.array(text), context: json.nullable(), output: json.optional(), error: errorInfo.nullable(), failure: errorInfo.nullable(),
    version: text, /** Structural hash of the machine that wrote it. */ hash: text,
    waiting: count, createdAt: time, updatedAt: time, completedAt: time.nullable(),
    children: z.array(childView), timers: z.array(timer), tasks: z.array(openTask),
    /** Of an ask: what the actor replied. */
    reply: json.optional(),
  })
  .meta({ id: 'Snapshot' })

/** An event that the machine knows, and whether it is legal now. */
export const eventView = z
  .object({
    type: text, legal: z.boolean(),
    /** A guard decides, so that the payload may still make it illegal. */
    guarded: z.boolean(),
    jsonSchema: jsonSchema.nullable(),
    /** Why it is not legal; null when it is. */
    reason: text.nullable(),
    /** State paths that handle it. */
    handledIn: z.array(text),
  })
  .meta({ id: 'Event' })

/** One step of one actor. */
export const step = z
  .object({
    seq, at: time, kind: text, id: text.optional(), from: address.optional(), correlation: text.optional(), causation: text.optional(),
    event: z.looseObject({ type: text }).optional(), path: text.optional(), error: errorInfo.optional(),
    emitted: z.array(json).optional(), sent: z.array(z.object({ to: address, type: text })).optional(),
    /** The state after it. */
    states: z.array(text), status: actorStatus, value: json.nullable(), tags: z.array(text),
    /** Where asked for. */
    context: json.optional(), output: json.optional(),
  })
  .meta({ id: 'Step' })

export const deadLetter = z
  .object({
    id: text, address, at: time, state: letterState, /** What it was: an event, a task, … */ kind: text, /** The event or task input; null when it cannot be read. */ event: json.nullable(), task: text.nullable(),
    from: address.nullable(), cause: errorInfo, resolvedAt: time.nullable(), reason: text.nullable(),
  })
  .meta({ id: 'DeadLetter' })

/** A decision that somebody waits for. */
export const approvalView = z
  .object({
    /** Names actor, place in its tree and call. */
    id: text, address, run: address, path: text,
    /** What is to be approved: a subject, or a tool call with its input. */
    subject: json, title: text,
    /** What a decision must name, so that it counts for what was shown only. */
    revision: text, approvers: z.array(text), level: count, votes: z.array(z.object({ by: text, approve: z.boolean(), reason: text.nullable() })),
    since: time, dueAt: time.nullable(),
  })
  .meta({ id: 'Approval' })

/** A state of a machine, with all that is in it. */
export interface ChartState {
  readonly id: string
  readonly key: string
  /** As in `states` of an actor; '' for the root. */
  readonly path: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  /** Path of the state that is entered first. */
  readonly initial: string | null
  readonly history: 'shallow' | 'deep' | null
  readonly description: string | null
  readonly tags: readonly string[]
  readonly entry: readonly string[]
  readonly exit: readonly string[]
  readonly invoke: readonly { readonly id: string; readonly src: string; readonly kind: 'machine' | 'logic' | 'task' | 'remote'; readonly machine: string | null }[]
  readonly states: readonly ChartState[]
}

const chartState: z.ZodType<ChartState> = z
  .object({
    id: text, key: text, path: text, type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']), initial: text.nullable(), history: z.enum(['shallow', 'deep']).nullable(), description: text.nullable(),
    tags: z.array(text), entry: z.array(text), exit: z.array(text),
    invoke: z.array(z.object({ id: text, src: text, kind: z.enum(['machine', 'logic', 'task', 'remote']), machine: text.nullable() })),
    states: z.array(z.lazy(() => chartState)),
  })
  .meta({ id: 'ChartState' }) as z.ZodType<ChartState>

/** A machine to be drawn: states by their paths, and the transitions between them. */
export const chart = z
  .object({
    id: text, root: chartState,
    transitions: z.array(
      z.object({
        id: text, source: text, /** Paths; none for one that stays. */ targets: z.array(text),
        /** As the machine has it (`xstate.after…` too), and as people read it. */
        event: text, label: text, guard: text.nullable(), actions: z.array(text), kind: z.enum(['event', 'always', 'after', 'done', 'error', 'snapshot', 'any']), reenter: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Chart' })
export type Chart = z.infer<typeof chart>

/** A machine as it can be drawn: as data, and as a Mermaid `stateDiagram-v2`. */
export interface Drawing {
  readonly chart: Chart
  readonly mermaid: string
}

export const machineView = z
  .object({
    name: text, version: text, hash: text, kind: z.enum(['machine', 'logic']),
    /** What it says of itself. */
    catalogue: z.looseObject({ kind: text, name: text, description: text.optional(), capabilities: z.array(text) }).nullable(),
    /** Registered machines that it spawns by name. */
    members: z.array(text),
  })
  .meta({ id: 'Machine' })
