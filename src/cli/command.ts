import type { Client } from '../core/client/client.ts'
import type { Output } from './output/output.ts'

/** Where the runtime is: what every command that talks to one takes. */
export interface Place {
  readonly store?: string
  readonly config?: string
  readonly url?: string
  readonly key?: string
}

/** How a command is going to use its runtime: one that only reads takes over no partition of a store that it opens. */
export type Use = 'read' | 'change'

/** One call of a command. */
export interface Call<TOptions extends object = object> {
  readonly args: readonly string[]
  readonly options: TOptions & Place
  readonly out: Output
  /** Ends it: ctrl-c, or the reader of a pipe that has gone. */
  readonly signal: AbortSignal
  client(): Promise<Client>
}

/** Does it, and gives back the exit code where that is not 0. */
export type Run<TOptions extends object = object> = (call: Call<TOptions>) => Promise<number | undefined>

/** An option as commander writes it, what it does, and how its text is read. */
export type OptionRow = readonly [flags: string, description: string, read?: (text: string, before: never) => unknown]

/** A command: all that help, completion and the parser know before its code is loaded. */
export interface CommandRow {
  /** Words and arguments: `dlq show <id>`. */
  readonly usage: string
  readonly summary: string
  readonly options?: readonly OptionRow[]
  readonly examples?: readonly string[]
  /** Whether it talks to a runtime, and how; absent: it does not. */
  readonly use?: Use
  /** Loads its code: no start pays for the code of other commands. */
  readonly load: () => Promise<Run<never>>
}
