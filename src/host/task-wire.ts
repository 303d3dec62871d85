import type { AnyActorRef } from 'xstate'
import { addressOf, parseActorId } from '../core/address.ts'
import type { ActorId } from '../core/address.ts'
import type { Codec } from '../core/codec.ts'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError, fromErrorInfo } from '../core/errors.ts'
import type { ErrorInfo } from '../core/errors.ts'
import type { LocalBody } from '../core/message.ts'
import type { TaskOrder, TaskReport } from '../core/queue.ts'
import type { TaskDefinition } from '../core/task.ts'
import { attemptKey } from './attempt.ts'
import type { Attempt } from './attempt.ts'
import { decodeFor, decodeValue, encodeError, encodeFor, encodeValue } from './coding.ts'
import { taskName } from './xstate/task-name.ts'

/** What owners and workers write to each other through a queue; the format is told in `docs/task-protocol.md`. */

export type TaskEnd = Omit<Extract<LocalBody, { kind: 'task' }>, 'kind' | 'task' | 'attempt'>

export function encodeOrder(codec: Codec, actor: ActorId, task: TaskDocument, ref: AnyActorRef, { timeout, heartbeatTimeout, retry, idempotency }: TaskDefinition): string {
  const order: TaskOrder = {
    v: 1,
    task: taskName(parseActorId(actor).machine, ref),
    actor,
    id: task.id,
    attempt: task.attempt,
    failures: task.failures,
    attemptsMax: retry.attempts,
    idempotencyKey: encodeFor(codec, actor, idempotency?.(task.input) ?? attemptKey(actor, task.id)),
    input: encodeValue(codec, actor, task.input),
    ...(task.checkpoint !== undefined && task.checkpoint !== null && { checkpoint: encodeValue(codec, actor, task.checkpoint) }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(heartbeatTimeout !== undefined && { heartbeatTimeoutMs: heartbeatTimeout }),
  }
  return JSON.stringify(order)
}

/** The task of an order as its worker runs it; `details` are those of a worker before. */
export function documentOf(codec: Codec, { actor, id, attempt, failures, input, checkpoint = '' }: TaskOrder, details: string, crashes: number): TaskDocument {
  const decoded = (text: string): unknown => decodeValue(codec, actor, text)
  return { id, path: '', input: decoded(input), attempt, failures, dueAt: null, crashes, checkpoint: decoded(details || checkpoint) }
}

export function reportOf(codec: Codec, { actor, checkpoint }: Attempt, { outcome, retryable }: Pick<TaskEnd, 'outcome' | 'retryable'>): TaskReport {
  if (outcome.ok) return { ok: true, output: encodeValue(codec, actor, outcome.output) }
  const kept = checkpoint === undefined || checkpoint === null ? {} : { checkpoint: encodeValue(codec, actor, checkpoint) }
  return { ok: false, error: encodeError(codec, actor, outcome.error), retryable, ...kept }
}

/** What a report says; one that cannot be read is an error of its attempt. */
export function decodeReport(codec: Codec, actor: ActorId, text: string): TaskEnd {
  const address = addressOf(actor)
  const failed = (error: unknown, retryable: boolean, checkpoint?: unknown): TaskEnd => ({ outcome: { ok: false, error }, retryable, checkpoint })
  try {
    const report = JSON.parse(text) as TaskReport
    if (report.ok) return { outcome: { ok: true, output: decodeValue(codec, actor, report.output) }, retryable: false, checkpoint: undefined }
    if ('crashes' in report) return failed(new TroupeError('task/crashed', `${report.crashes} workers went silent while they ran this task of ${address}`, { address }), false)
    const error = fromErrorInfo(JSON.parse(decodeFor(codec, actor, report.error)) as ErrorInfo)
    return failed(error, report.retryable, report.checkpoint === undefined ? undefined : decodeValue(codec, actor, report.checkpoint))
  } catch (cause) {
    return failed(new TroupeError('task/report', `a worker's report on a task of ${address} cannot be read: ${text.slice(0, 120)}`, { address, cause }), true)
  }
}
