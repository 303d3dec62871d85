import { getPriority, setPriority } from 'node:os'
import { parentPort, threadId, workerData } from 'node:worker_threads'
import { move, transferableSymbol, valueSymbol } from 'piscina'
import { isMoved } from '../core/cpu-pool.ts'
import type { CpuScope } from '../core/cpu-pool.ts'
import { toErrorInfo } from '../core/errors.ts'
import { kernelThread, pinTo } from './affinity.ts'
import type { Pin } from './affinity.ts'
import { loadFunction } from './load-function.ts'
import { sharedNow } from './thread-messages.ts'
import type { Ending, Order, ThreadMessage, ThreadSetup } from './thread-messages.ts'

/*
 * The entry of each thread of the pool. State: which place among the threads of its plane this one has, and with it which CPU.
 *
 * The places lie in shared memory and threads take them by themselves: Piscina starts threads alike and does not say which is which.
 * The pool frees the place of a thread that ends, a moment before that one is gone; a new thread that comes too early finds
 * none, and looks again before its next call.
 */

const { places, cpus, reason } = workerData as ThreadSetup
const say = (message: ThreadMessage): void => parentPort?.postMessage(message)

let isSettled = false

/** Pins this thread to the CPU of its place, once. */
async function settle(): Promise<void> {
  const pin = await takeCpu()
  if (!pin) return
  isSettled = true
  say({ kind: 'begun', thread: threadId, tid: kernelThread() ?? null, ...pin })
}

async function takeCpu(): Promise<Pin | undefined> {
  if (cpus.length === 0) return { cpu: null, reason }
  const place = places.findIndex((_, index) => Atomics.compareExchange(places, index, 0, threadId) === 0)
  return place < 0 ? undefined : pinTo(cpus[place % cpus.length] as number)
}

/** What the command `nice` gives to what it starts. */
const NICE = 10

/**
 * Lets the event loop go first where both want one CPU: with an equal share it would wait for the rest of this thread's turn. On Linux alone
 * the priority is one of the thread; elsewhere it is one of the whole process.
 */
function standBack(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(Math.max(NICE, getPriority()))
  } catch {
    // A seccomp profile refuses it: the event loop waits longer, nothing else.
  }
}

standBack()
const settling = settle()

/** What Piscina calls. */
export async function run(order: Order): Promise<Ending | object> {
  await settling
  if (!isSettled) await settle()
  const { id, attempt, idempotencyKey, checkpoint, input } = order
  const scope: CpuScope = {
    attempt,
    idempotencyKey,
    checkpoint,
    heartbeat: details => say({ kind: 'heartbeat', id, details }),
    progress: data => say({ kind: 'progress', id, data }),
  }
  let beganAt = sharedNow()
  const endingOf = (outcome: Ending['outcome']): Ending => ({ outcome, beganAt, ranMs: sharedNow() - beganAt })
  try {
    const call = await loadFunction(order.module, order.export)
    beganAt = sharedNow()
    const output: unknown = await call(input as never, scope)
    return isMoved(output) ? handOver(endingOf({ ok: true, output: output.value }), output.transfer) : endingOf({ ok: true, output })
  } catch (error) {
    return endingOf({ ok: false, error: toErrorInfo(error) })
  }
}

/** Piscina's word for a result with buffers to hand over. */
function handOver(ending: Ending, transfer: readonly ArrayBuffer[]): object {
  return move({ [transferableSymbol]: transfer, [valueSymbol]: ending } as never) as object
}
