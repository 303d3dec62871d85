import { useCallback, useEffect, useRef, useState } from 'react'
import type { Step } from '../../../../protocol.ts'
import { call } from '../../../data/client.ts'
import { NO_LOG, extend, holds, prepend } from './log-window.ts'
import type { LogWindow } from './log-window.ts'

const PAGE = 200

export interface Log extends LogWindow {
  /** The first step that is retained. */
  readonly firstSeq: number
  readonly error: Error | undefined
  readonly add: (live: readonly Step[]) => void
  readonly loadOlder: () => void
  readonly backToTail: () => void
}

/** The history of an actor around a step (default: its end), page by page. */
export function useLog(address: string, at: number | undefined): Log {
  const [window, setWindow] = useState<LogWindow>(NO_LOG)
  const [firstSeq, setFirstSeq] = useState(1)
  const [error, setError] = useState<Error>()
  const current = useRef({ window, isBusy: false, missed: [] as Step[] })
  const show = useCallback((next: LogWindow) => {
    current.current.window = next
    setWindow(next)
  }, [])

  const read = useCallback(async (work: () => Promise<LogWindow>): Promise<void> => {
    if (current.current.isBusy) return
    current.current.isBusy = true
    current.current.missed = []
    try {
      const next = await work()
      show(extend(next, current.current.missed))
      setError(undefined)
    } catch (cause) {
      setError(cause as Error)
    } finally {
      current.current.isBusy = false
    }
  }, [show])

  const backToTail = useCallback(() => void read(() => readTail(address)), [address, read])
  useEffect(() => {
    show(NO_LOG)
    backToTail()
    call('history', { address, from: 0, limit: 1 }).then(({ steps }) => setFirstSeq(steps[0]?.seq ?? 1), () => undefined)
  }, [address, backToTail, show])

  useEffect(() => {
    if (at === undefined || current.current.window.steps.length === 0 || holds(current.current.window, at)) return
    void read(async () => {
      const { steps, lastSeq, isFromStart } = await readAfter(address, at - PAGE / 2)
      return { steps: steps.map(lean), isFromStart, isAtTail: (steps.at(-1)?.seq ?? 0) >= lastSeq }
    })
  }, [address, at, read])

  const loadOlder = useCallback(() => {
    const { window: shown } = current.current
    const first = shown.steps[0]?.seq
    if (first === undefined || shown.isFromStart) return
    void read(async () => {
      const { steps, isFromStart } = await readAfter(address, first - 1 - PAGE)
      return prepend(current.current.window, steps, isFromStart)
    })
  }, [address, read])

  const add = useCallback((live: readonly Step[]) => {
    if (current.current.isBusy) current.current.missed.push(...live)
    else show(extend(current.current.window, live))
  }, [show])

  return { ...window, firstSeq, error, add, loadOlder, backToTail }
}

const lean = ({ context: _context, output: _output, ...step }: Step): Step => step

async function readTail(address: string): Promise<LogWindow> {
  const { lastSeq } = await call('snapshot', { address })
  const { steps, isFromStart } = await readAfter(address, lastSeq - PAGE)
  return { steps, isFromStart, isAtTail: true }
}

/** Where older steps are gone, the history begins with the first that is left. */
async function readAfter(address: string, from: number): Promise<{ readonly steps: readonly Step[]; readonly lastSeq: number; readonly isFromStart: boolean }> {
  if (from <= 0) return { ...(await call('history', { address, from: 0, limit: PAGE })), isFromStart: true }
  try {
    return { ...(await call('history', { address, from, limit: PAGE })), isFromStart: false }
  } catch (error) {
    if ((error as { code?: string }).code !== 'history/trimmed') throw error
    return { ...(await call('history', { address, from: 0, limit: PAGE })), isFromStart: true }
  }
}
