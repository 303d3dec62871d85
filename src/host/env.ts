import type { AnyActorLogic } from 'xstate'
import type { Drawing } from '../core/client/views.ts'
import type { Clock, Random } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import type { CpuPool } from '../core/cpu-pool.ts'
import type { Limits } from '../core/limits.ts'
import type { QueueSettings } from '../core/queue.ts'
import type { Member, Store } from '../core/store.ts'
import type { Definition } from './definition.ts'
import type { MemoryAccount } from './memory-account.ts'
import type { Settled } from './work.ts'

/** The awaits of the engine at which a process may die: tests crash a node before and after each. */
export const crashPoints = ['load', 'take', 'step', 'commit', 'committed', 'release', 'timer', 'task-start', 'task-end', 'parked'] as const
export type CrashPoint = (typeof crashPoints)[number]

/** What the engine counts, for health and for tests that must not be green in vain. */
export interface Counters {
  steps: number
  commits: number
  duplicates: number
  staleTasks: number
  fenced: number
  takeovers: number
  handovers: number
  deadLetters: number
  taskRetries: number
  timersFired: number
  evictions: number
  /** Lives begun after a first one, because an actor or its sibling threw. */
  restarts: number
  /** Actors whose retention was over. */
  expired: number
  /** Actors of completed runs that were too many, or for which there was no room. */
  compacted: number
}

export const createCounters = (): Counters => ({ steps: 0, commits: 0, duplicates: 0, staleTasks: 0, fenced: 0, takeovers: 0, handovers: 0, deadLetters: 0, taskRetries: 0, timersFired: 0, evictions: 0, restarts: 0, expired: 0, compacted: 0 })

/** Everything a node is made of; all its time, randomness and storage. */
export interface HostEnv {
  readonly node: string
  /** What other nodes are told of the process. */
  readonly process: Pick<Member, 'host' | 'pid' | 'startedAt'>
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly codec: Codec
  readonly limits: Limits
  readonly definitions: ReadonlyMap<string, Definition>
  /** The task queues that this process serves; others are bounded by `limits.tasksMax` only. */
  readonly queues: ReadonlyMap<string, QueueSettings>
  /** Threads for CPU-heavy work of tasks. */
  readonly workers: CpuPool
  readonly counters: Counters
  readonly memory: MemoryAccount
  /** Ids of messages of this node. */
  nextMessageId(): string
  /** Null for logic without states. */
  draw(logic: AnyActorLogic): Drawing | null
  /** Hands an outcome to a requester in this process. */
  settle(request: string, outcome: Settled): void
  /** Tells watchers in this process about something that is not kept: progress of a task. */
  notice(notice: Notice): void
  /** A failure nobody waits for. */
  report(error: unknown): void
  /** Called at each crash point; tests make a promise that never resolves of it. */
  readonly probe?: (point: CrashPoint) => Promise<void> | undefined
}

/** Progress of a task, told to watchers as it comes and kept nowhere. */
export interface Notice {
  readonly actor: string
  readonly task: string
  readonly attempt: number
  readonly progress: unknown
}
