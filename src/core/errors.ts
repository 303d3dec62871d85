/**
 * Every error Troupe throws or stores. One class, one table: the code names what failed,
 * the table says whether a retry can help and which HTTP status and exit code stand for it.
 */

interface ErrorKind {
  /** HTTP status a server answers with. */
  readonly status: number
  /** Exit code of a command that fails with it (sysexits.h). */
  readonly exit: number
  /** True when the same call may succeed later without a change. */
  readonly retryable: boolean
  /** What the reader can do about it; the text of docs/errors.md. */
  readonly remedy: string
}

const bad = (remedy: string): ErrorKind => ({ status: 400, exit: 65, retryable: false, remedy })
const missing = (remedy: string): ErrorKind => ({ status: 404, exit: 66, retryable: false, remedy })
const conflict = (remedy: string): ErrorKind => ({ status: 409, exit: 65, retryable: false, remedy })
const busy = (remedy: string): ErrorKind => ({ status: 429, exit: 75, retryable: true, remedy })
const broken = (remedy: string): ErrorKind => ({ status: 500, exit: 70, retryable: false, remedy })
const down = (remedy: string): ErrorKind => ({ status: 503, exit: 75, retryable: true, remedy })

export const errorKinds = {
  'address/invalid': bad('Use `machine/key`: a registered name, then 1 to 1,024 characters without control characters; `>` is kept for spawned actors.'),
  'access/denied': { status: 403, exit: 77, retryable: false, remedy: 'The key that you use has a role that may not do this: use another key, or ask an admin.' },
  'access/limited': { status: 429, exit: 75, retryable: true, remedy: 'Too many requests with this key: wait as long as `Retry-After` says, or raise the limit.' },
  'access/origin': { status: 403, exit: 77, retryable: false, remedy: 'Ask for the server by an address or name of its own, and add names (`hosts`) and origins of pages (`origins`) that may be used to its options.' },
  'access/unauthenticated': { status: 401, exit: 77, retryable: false, remedy: 'Send a valid API key: `Authorization: Bearer …`.' },
  'actor/unknown': missing('Start the actor first, or check the key; a completed actor is gone after its retention.'),
  'actor/exists': conflict('The key is taken by an actor that was started with another input: use another key, or the same input.'),
  'actor/failed': conflict('Look at the dead letters of the actor, mend the cause, then replay or discard them.'),
  'actor/held': conflict('Register a machine version that fits the checkpoint, or a `migrate` that makes it fit; nothing was overwritten.'),
  'actor/ended': conflict('The actor is done, stopped or cancelled and takes no more events: start a new one, or fork it.'),
  'actor/limit': busy('Too many actors are active: wait for some to complete, or raise `limits.activeActorsMax`.'),
  'approval/unknown': missing('List the approvals again: this one was decided, has expired, or its actor has moved on.'),
  'ask/deadlock': conflict('Each actor of the cycle waits in a task for the next one. Let one answer before it asks, or `send` instead of `ask`; the event is durable and stays accepted.'),
  'ask/timeout': { status: 504, exit: 75, retryable: true, remedy: 'The event is durable and stays accepted; only the wait ended. Wait longer, or watch the actor.' },
  'config/invalid': bad('Correct the option that the message names.'),
  'context/mutated': broken('Return new objects from `assign` instead of changing the old ones, or register the machine with `mutableContext: true`.'),
  'context/unserializable': bad('Keep only what JSON holds (and typed arrays and errors): dates as ISO strings, maps as objects or arrays.'),
  'dead-letter/unknown': missing('List the dead letters again: this one was replayed, discarded or never existed.'),
  'event/conflict': conflict('The idempotency key was used for another event: use a new key.'),
  'event/invalid': bad('Send an object with a string `type` that does not begin with `xstate.` or `troupe.`, and a payload that fits its schema.'),
  'event/poisoned': broken('The actor threw while it handled the event. It is back in its last state; the event is in the dead letters with its cause.'),
  'guest/unknown': missing('List the guests again: this one has made room for others, or the server has started again since.'),
  'history/trimmed': missing('The position lies before the retained history: start from `0`, or from `details.cursor` where one is given, or retain longer.'),
  'lease/stale': { status: 503, exit: 75, retryable: true, remedy: 'Another node owns the partition now. The runtime routes around it by itself; seen outside, report it.' },
  'machine/child-without-id': bad('Give every `spawn` and `spawnChild` an explicit `id`, so that it can be found again after a restart.'),
  'machine/inline-child': bad('Name the child logic in `setup({ actors })` and refer to it by that name.'),
  'machine/invalid': bad('Register XState v5 machines or actor logic, each under a name of letters, digits, `_`, `.` and `-`.'),
  'machine/endless-loop': broken('Break the cycle of `always` or raised transitions; the limit is `limits.microstepsMax`.'),
  'machine/unknown': missing('Register the machine with `createRuntime({ machines })` under the name that the message gives.'),
  'mailbox/full': busy('Wait until the actor has caught up, or raise `limits.mailboxDepthMax`.'),
  'model/failed': down('The provider was overloaded, out of reach, or broke off its answer. Agents try again by themselves; add a fallback with `routedModel` where it happens often.'),
  'model/refused': bad('Correct what the message names: the key, the model, or the request that the provider does not take.'),
  'model/unscripted': bad('Add the reply that the message asks for to the script or its rules; record a recording again with `mode: \'record\'`.'),
  'node/busy': down('The node holds as much as `limits.nodeBytesMax` allows: wait and send again, raise the limit, or add a node.'),
  'payload/too-large': { status: 413, exit: 65, retryable: false, remedy: 'Keep large data outside the actor and pass a reference, or raise the limit that the message names.' },
  'request/invalid': bad('Correct the request as the message says; the API document tells what it may look like.'),
  'request/unknown': missing('There is no such route: the API document lists them.'),
  'runtime/closed': down('The runtime is shutting down; send again to a running one.'),
  'server/failed': broken('A fault of the server: its error output says more. Report it with the id of the request.'),
  'server/unreachable': { status: 503, exit: 75, retryable: true, remedy: 'Start the server (`troupe serve` or `troupe dev`), or correct the URL.' },
  'store/corrupt': broken('Restore the file from a backup. Nothing was changed: the damaged file is untouched.'),
  'store/failed': down('See the cause: the store refused or failed. Nothing of the batch was kept; send again.'),
  'store/full': { status: 507, exit: 74, retryable: true, remedy: 'Make room (a larger disk, `maxmemory` or `limits.storeBytesMax`) or let completed runs go sooner (`retention`). Nothing of the batch was kept; send again.' },
  'store/newer-format': broken('The file was written by a newer Troupe: upgrade this one. Nothing was changed.'),
  'store/partitions': conflict('The store was made with another number of partitions; open it with that number.'),
  'store/readonly': { status: 500, exit: 73, retryable: false, remedy: 'Make the folder and the file writable for this user, or name another path.' },
  'task/crashed': broken('The process died each time this task ran. Mend the task, then replay its dead letter.'),
  'task/report': broken('A worker has reported what the protocol does not know: compare what it sends with `docs/task-protocol.md`.'),
  'task/stalled': { status: 504, exit: 75, retryable: true, remedy: 'The task sent no heartbeat in time and was aborted; send heartbeats more often, or allow more time.' },
  'task/timeout': { status: 504, exit: 75, retryable: true, remedy: 'The attempt ran longer than its `timeout` and was aborted.' },
  'task/unknown': missing('Give the workers of the queue the machine whose task it is, or a task under that name; logic needs a name in `setup({ actors })`.'),
  'timer/invalid': bad('Delays are finite numbers of milliseconds, at most 100 years.'),
  'usage/invalid': { status: 400, exit: 64, retryable: false, remedy: 'Call the command as `troupe COMMAND --help` says.' },
  'vector/invalid': bad('Correct the vector, id or option that the message names; rows and columns count from 0.'),
  'webhook/disabled': conflict('See in its deliveries what the receiver answered, mend it, then enable the webhook again: it goes on where it stopped.'),
  'webhook/failed': down('The receiver did not take the event: see the status or cause. Deliveries are tried again by themselves.'),
  'webhook/limit': busy('Remove webhooks that nobody needs, widen the filter of one, or raise `webhooks.webhooksMax`.'),
  'webhook/refused': bad('Webhooks go to public addresses only: use another URL, or allow the host where the server is set up.'),
  'webhook/unknown': missing('List the webhooks again: this one was removed or never existed.'),
  'webhook/unverified': { status: 401, exit: 77, retryable: false, remedy: 'Refuse the request. If it should be good: verify the raw body, with the secret or public key of that webhook, and a clock that is right.' },
  'workers/busy': busy('Wait and call again, bound the calls by a queue of tasks (`queues: { cpu: { concurrency } }`), or raise `workers.queueMax`.'),
  'workers/crashed': down('See the cause: the function ended its thread (`process.exit`, an error outside of it). Only this call is lost; the thread has been replaced.'),
  'workers/memory': broken('Give the threads more (`workers.memoryMbMax`), or the function less at a time. Only this call is lost; the thread has been replaced.'),
  'workers/unknown': missing('Name a module that is there, as `new URL(\'./heavy.ts\', import.meta.url)`, and a function that it exports.'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

export interface ErrorOptions {
  readonly cause?: unknown
  /** The actor concerned, as `machine/key`. */
  readonly address?: string
  /** Further facts: sizes, limits, paths, ids. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one error class of Troupe.
 *
 * @example
 * try { await actor.start(input) } catch (error) {
 *   if (error instanceof TroupeError && error.code === 'actor/exists') console.log(error.address)
 * }
 */
export class TroupeError extends Error {
  override readonly name = 'TroupeError'
  readonly code: ErrorCode
  readonly address: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.address = options.address
    this.details = options.details ?? {}
  }

  get retryable(): boolean {
    return errorKinds[this.code].retryable
  }

  get status(): number {
    return errorKinds[this.code].status
  }

  get exitCode(): number {
    return errorKinds[this.code].exit
  }

  /** What to do about it. */
  get remedy(): string {
    return errorKinds[this.code].remedy
  }
}

/** An error as data: what a store, a journal or another process is told of it. */
export interface ErrorInfo {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly address?: string
  readonly details?: unknown
  readonly stack?: string
  readonly cause?: ErrorInfo
}

const CAUSES_MAX = 5

/** Turns anything that was thrown into data, causes included. */
export function toErrorInfo(thrown: unknown, depth = 0): ErrorInfo {
  if (!(thrown instanceof Error)) return { name: 'Error', message: typeof thrown === 'string' ? thrown : safeText(thrown) }
  const { code, address } = thrown as Partial<TroupeError>
  return {
    name: thrown.name,
    message: thrown.message,
    ...(typeof code === 'string' && { code }),
    ...(typeof address === 'string' && { address }),
    ...(thrown instanceof TroupeError && Object.keys(thrown.details).length > 0 && { details: safeDetails(thrown.details) }),
    ...(thrown.stack !== undefined && { stack: thrown.stack }),
    ...(thrown.cause !== undefined && depth < CAUSES_MAX && { cause: toErrorInfo(thrown.cause, depth + 1) }),
  }
}

/** The way back: an error made of data, a `TroupeError` where it was one. */
export function fromErrorInfo(info: ErrorInfo): Error {
  const cause = info.cause && fromErrorInfo(info.cause)
  if (info.name === 'TroupeError' && info.code !== undefined && Object.hasOwn(errorKinds, info.code)) {
    const details = info.details as Readonly<Record<string, unknown>> | undefined
    return new TroupeError(info.code as ErrorCode, info.message, {
      ...(cause && { cause }),
      ...(info.address !== undefined && { address: info.address }),
      ...(details && { details }),
    })
  }
  const error = new Error(info.message, cause && { cause })
  const extra = info.code === undefined ? {} : { code: info.code }
  return Object.assign(defineHidden(error, { name: info.name, stack: info.stack }), extra)
}

function defineHidden(error: Error, values: Record<string, string | undefined>): Error {
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false })
  }
  return error
}

function safeText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A cycle, or an object whose conversions throw: its kind is all there is to say.
    return typeof value === 'bigint' ? String(value) : Object.prototype.toString.call(value)
  }
}

/** Details as they can be stored: what JSON cannot hold becomes text. */
function safeDetails(details: Readonly<Record<string, unknown>>): unknown {
  try {
    JSON.stringify(details)
    return details
  } catch {
    return Object.fromEntries(Object.entries(details).map(([key, value]) => [key, safeText(value)]))
  }
}

/** Throws when an invariant of the engine does not hold; the node drops the partition's memory and reloads it. */
export function assertInvariant(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${what}`)
}
