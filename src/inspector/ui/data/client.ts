import type { CallOptions, Client, InputOf, OperationName, OutputOf } from '../../protocol.ts'
import { createClient } from '../../../client/index.ts'
import { connection } from './connection.ts'

/** The server that serves these pages. */
export const client: Client = createClient({ url: location.origin, onConnection: isOpen => connection.set(isOpen ? 'connected' : 'lost') })

type StreamOf<TName extends OperationName> = ReturnType<Client[TName]> extends AsyncIterable<unknown> ? TName : never
export type StreamName = { [TName in OperationName]: StreamOf<TName> }[OperationName]
export type CallName = Exclude<OperationName, StreamName>

/** `client[operation](input)` for a name that is a variable: TypeScript does not see that the input is the operation's own. */
export const call = <TName extends CallName>(operation: TName, input: InputOf<TName>, options?: CallOptions): Promise<OutputOf<TName>> =>
  (client[operation] as unknown as (input: InputOf<TName>, options?: CallOptions) => Promise<OutputOf<TName>>)(input, options)

export const stream = <TName extends StreamName>(operation: TName, input: InputOf<TName>, options?: CallOptions): AsyncIterable<OutputOf<TName>> =>
  (client[operation] as unknown as (input: InputOf<TName>, options?: CallOptions) => AsyncIterable<OutputOf<TName>>)(input, options)
