import type { AnyActorLogic } from 'xstate'
import type { TaskDocument } from '../core/document.ts'
import { TroupeError, toErrorInfo } from '../core/errors.ts'
import type { Body, LocalBody } from '../core/message.ts'
import { backoffMs, noRetry } from '../core/retry.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { taskOf } from '../core/task.ts'
import type { Batch } from './batch.ts'
import type { Slot } from './slot.ts'
import type { Stepper } from './stepper.ts'
import type { Work } from './work.ts'

/**
 * The life of a task inside its actor's document. Each change is a step of its own, so an attempt is counted
 * in a commit before it runs, and a result counts only for the attempt that is open now.
 */

type Attempt = { readonly task: string; readonly attempt: number }

/** Starts attempts that are due, and those that a crash has interrupted; hands over what ended while the actor was paused. */
export async function wakeTasks(stepper: Stepper, work: Work, batch: Batch, slot: Slot): Promise<void> {
  const { env, executor } = stepper.parts
  for (const task of slot.live?.tasks.values() ?? []) {
    if (slot.status !== 'active' || slot.live?.tasks.get(task.id) !== task) continue
    if (task.outcome) await settle(stepper, work, batch, slot, task, task.outcome)
    else if (task.dueAt !== null) {
      if (task.dueAt <= stepper.now) start(stepper, batch, slot, { ...task, dueAt: null })
    } else if (!executor.isRunning(slot.id, task.id) && !batch.starting.has(keyOf(slot, task))) {
      const ref = slot.live?.taskRef(task)
      if (ref && executor.isEntrusted(ref)) {
        launchTask(stepper, batch, slot, task)
        continue
      }
      const crashes = task.crashes + 1
      if (crashes <= env.limits.taskCrashesMax) start(stepper, batch, slot, { ...task, attempt: task.attempt + 1, crashes })
      else await settle(stepper, work, batch, slot, task, { ok: false, error: new TroupeError('task/crashed', `the process died ${crashes} times while task ${task.id} of ${slot.address} ran`, { address: slot.address }) })
    }
  }
}

/** An attempt has ended: the machine hears of it, or the next attempt is scheduled. */
export function endTask(stepper: Stepper, work: Work, batch: Batch, slot: Slot, body: Extract<LocalBody, { kind: 'task' }>): Promise<void> | undefined {
  const { env } = stepper.parts
  const { attempt, outcome, retryable, checkpoint } = body
  const task = openAttempt(stepper, slot, body)
  if (!task) return undefined
  const retry = !outcome.ok && retryable ? retryOf(slot, task) : noRetry
  // A worker in another language may forget to count.
  if (task.failures + 1 < retry.attempts && !outcome.ok) {
    env.counters.taskRetries++
    const dueAt = stepper.now + backoffMs(retry, task.failures + 1, env.random.next())
    const next: TaskDocument = { ...task, attempt: attempt + 1, failures: task.failures + 1, dueAt, checkpoint: checkpoint ?? null }
    const event = JSON.stringify({ type: 'task.retry', task: task.id, attempt, dueAt })
    stepper.step(slot, batch, 'task', { event, path: task.path, error: toErrorInfo(outcome.error) }, () => stepper.live(slot).updateTask(next))
  } else if (slot.status === 'paused') updateTask(stepper, batch, slot, body, known => ({ ...known, outcome }))
  else return settle(stepper, work, batch, slot, task, outcome)
  return undefined
}

export function updateTask(stepper: Stepper, batch: Batch, slot: Slot, of: Attempt, change: (task: TaskDocument) => TaskDocument): void {
  const task = openAttempt(stepper, slot, of)
  if (!task) return
  const event = JSON.stringify({ type: 'task.updated', task: task.id, attempt: of.attempt })
  stepper.step(slot, batch, 'task', { event, path: task.path }, () => stepper.live(slot).updateTask(change(task)))
}

/** A task that gave up begins again with a clean count; its idempotency key stays. */
export function replayTask(stepper: Stepper, work: Work, batch: Batch, slot: Slot, id: string): void {
  const task = slot.live?.tasks.get(id)
  if (task) {
    const { outcome: _, ...open } = task
    const event = JSON.stringify({ type: 'task.replayed', task: id })
    const again = { ...open, attempt: task.attempt + 1, failures: 0, crashes: 0, dueAt: stepper.now }
    stepper.step(slot, batch, 'task', { event, path: task.path }, () => stepper.live(slot).updateTask(again))
    stepper.parts.wake(slot.id)
  }
  stepper.answer(work, batch, slot)
}

/** Has the executor start an attempt after the commit, if it is still the one to run then. */
export function launchTask(stepper: Stepper, batch: Batch, slot: Slot, task: TaskDocument): void {
  batch.starting.add(keyOf(slot, task))
  batch.after.push(() => {
    const current = slot.live?.tasks.get(task.id)
    const ref = current && slot.live?.taskRef(current)
    if (ref && current.attempt === task.attempt && current.dueAt === null) stepper.parts.executor.start(slot.id, current, ref)
  })
}

function start(stepper: Stepper, batch: Batch, slot: Slot, task: TaskDocument): void {
  const event = JSON.stringify({ type: 'task.started', task: task.id, attempt: task.attempt })
  const failure = stepper.step(slot, batch, 'task', { event, path: task.path }, () => stepper.live(slot).updateTask(task))
  if (!failure) launchTask(stepper, batch, slot, task)
}

function settle(stepper: Stepper, work: Work, batch: Batch, slot: Slot, task: TaskDocument, outcome: NonNullable<TaskDocument['outcome']>): Promise<void> | undefined {
  const event = JSON.stringify({ type: outcome.ok ? 'task.done' : 'task.failed', task: task.id, attempt: task.attempt })
  const facts = outcome.ok ? { event, path: task.path } : { event, path: task.path, error: toErrorInfo(outcome.error) }
  // Should it poison the actor, this is what the dead letter keeps: replaying it begins the task again.
  const body = { kind: 'task', task: task.id, attempt: task.attempt, outcome } as unknown as Body
  const message = stepper.message(slot.id, null, body, work.message)
  return stepper.run({ message }, batch, slot, 'task', facts, () => stepper.live(slot).settleTask(task, outcome.ok ? { output: outcome.output } : { error: outcome.error }))
}

/** The task, if this attempt of it is the one that is open; anything else is a late result, counted and dropped. */
function openAttempt(stepper: Stepper, slot: Slot, { task: id, attempt }: Attempt): TaskDocument | undefined {
  const task = slot.live?.tasks.get(id)
  if (task && task.attempt === attempt && task.dueAt === null && !task.outcome) return task
  stepper.parts.env.counters.staleTasks++
  return undefined
}

function retryOf(slot: Slot, task: TaskDocument): RetryPolicy {
  const ref = slot.live?.taskRef(task) as { logic: AnyActorLogic } | undefined
  return ref ? taskOf(ref.logic).retry : noRetry
}

const keyOf = (slot: Slot, { id, attempt }: TaskDocument): string => `${slot.id}:${id}:${attempt}`
