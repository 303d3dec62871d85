import { createStore } from './store.ts'

export type Connection = 'connecting' | 'connected' | 'lost'

/** Whether the server answers, as the latest call or the streams have found it. */
export const connection = createStore<Connection>('connecting')

const isUnreachable = (error: unknown): boolean => error instanceof TypeError || (error as { code?: unknown }).code === 'server/unreachable'

export const noteOutcome = (error?: unknown): void => connection.set(error !== undefined && isUnreachable(error) ? 'lost' : 'connected')
