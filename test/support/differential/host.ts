import type { EventObject } from 'xstate'
import type { Subject, TestEvent } from './subject.ts'

/** A way to run one actor of a subject: plain XState, or one of Troupe's layers with crashes in between. */
export interface Host {
  start(): Promise<void>
  /** Sends events in order, each without waiting for the one before. */
  send(events: readonly TestEvent[]): Promise<void>
  /** Lets virtual time pass, stopping at each instant at which something is due. */
  advance(ms: number): Promise<void>
  /** Drops all memory and goes on from what is durable. Does nothing under plain XState. */
  crash(): Promise<void>
  /** The whole state, comparable between hosts. */
  state(): Promise<State>
  readonly emitted: readonly EventObject[] | Promise<readonly EventObject[]>
  close(): Promise<void>
}

export interface State {
  readonly snapshot: unknown
  readonly tags: unknown
}

/** Asked wherever the process may die: 0 for no, other numbers for how. */
export type CrashPlan = () => number

export type HostFactory = (subject: Subject, crashHere: CrashPlan) => Host

/** Lets promises settle, and whatever waits for them. */
export const settlePromises = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
