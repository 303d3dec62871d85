import type { OperationName } from '../core/client/client.ts'
import { backoffMs } from '../core/retry.ts'
import type { RetryPolicy } from '../core/retry.ts'
import { unreachable } from './problem.ts'

/** What a connection says of a stream: where it begins, or an item. */
export type Message = { readonly from: unknown } | { readonly item: unknown }

/** Where streams are asked for. */
export interface Source {
  readonly url: string
  readonly open: Open
  /** Hears whether the server is there, as often as a stream finds out. */
  readonly tell: (isOpen: boolean) => void
}

export type Open = (operation: OperationName, input: Readonly<Record<string, unknown>>, signal: AbortSignal) => AsyncIterable<Message>

/** The connection has ended and the stream has not: it goes on over another one. */
export class Cut extends Error {
  /** Whether the stream was given up on our side, because its reader is behind: then there is nothing to wait for. */
  readonly isOurs: boolean
  constructor(isOurs: boolean, cause?: unknown) {
    super('the connection was cut', { cause })
    this.isOurs = isOurs
  }
}

const RECONNECT: RetryPolicy = { attempts: Infinity, baseMs: 200, factor: 2, maxMs: 10_000, jitter: 0.5 }

/** Where to go on after an item; undefined where it has no place of its own. */
function positionAfter(item: unknown): unknown {
  const { cursor, step } = item as { readonly cursor?: string; readonly step?: { readonly cursor?: string; readonly seq?: number } }
  return cursor ?? step?.cursor ?? step?.seq
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })

/**
 * One stream over as many connections as it takes: each goes on after the last item that the reader was given, so that nothing
 * is lost or doubled. A server that was never reached is an error; one that was there is waited for.
 */
export const resumed = (source: Source, operation: OperationName, input: Readonly<Record<string, unknown>>, signal: AbortSignal): AsyncIterable<unknown> => ({
  [Symbol.asyncIterator]() {
    const left = new AbortController()
    const items = read(source, operation, input, AbortSignal.any([signal, left.signal]))
    return {
      next: () => items.next(),
      // A generator that waits hears of its end only when it goes on: the signal has it go on.
      return: () => (left.abort(), items.return(undefined)),
    }
  },
})

async function* read({ url, open, tell }: Source, operation: OperationName, input: Readonly<Record<string, unknown>>, signal: AbortSignal): AsyncGenerator<unknown> {
  let from = input['from']
  let wasOpen = false
  let failures = 0
  while (!signal.aborted) {
    const openedAt = Date.now()
    let isOpen = false
    try {
      for await (const message of open(operation, { ...input, ...(from !== undefined && { from }) }, signal)) {
        if (!isOpen) tell(true)
        isOpen = wasOpen = true
        if ('from' in message) from = message.from ?? from
        else {
          from = positionAfter(message.item) ?? from
          yield message.item
        }
      }
      return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Cut)) throw error
      if (!wasOpen) throw unreachable(url, error.cause)
      if (Date.now() - openedAt > RECONNECT.maxMs) failures = 0
      if (error.isOurs) continue
      // A connection that was cut is opened again before anybody sees it: the server is gone when that fails.
      if (!isOpen) tell(false)
      await pause(backoffMs(RECONNECT, ++failures, Math.random()), signal)
    }
  }
}
