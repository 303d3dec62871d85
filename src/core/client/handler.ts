import type { z } from 'zod'
import type { OperationName, OutputOf, StreamName, operations } from './client.ts'
import type { Caller } from './operation.ts'

/** What is not given is not there. */
type Given<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> }

/** The same, as it may be read only. */
type Shown<T> = [z.core.util.JSONType] extends [T] ? T : T extends readonly (infer TItem)[] ? readonly Shown<TItem>[] : T extends object ? { readonly [K in keyof T]: Shown<T[K]> } : T

export type GivenInput<TName extends OperationName> = Given<z.output<(typeof operations)[TName]['input']>>
export type ShownOutput<TName extends OperationName> = Shown<OutputOf<TName>>

/** A call that has been let in: its input is checked, and its caller may make it. */
export interface Call {
  readonly caller: Caller
  /** Aborted when nobody waits for the answer any more; of a stream, when its reader has left. */
  readonly signal: AbortSignal
}

/** What answers each operation. */
export type Handlers = {
  readonly [TName in Exclude<OperationName, StreamName>]: (input: GivenInput<TName>, call: Call) => Promise<ShownOutput<TName>>
} & {
  readonly [TName in StreamName]: (input: GivenInput<TName>, call: Call) => AsyncIterable<ShownOutput<TName>>
}

/** One mutating call, as it is written down once it is over. */
export interface AuditEntry {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly caller: Caller
  readonly operation: OperationName
  /** The actor or other thing that it names; null when it names none. */
  readonly target: string | null
  /** `done`, or the code of the error. */
  readonly outcome: string
}
