import { useState } from 'react'
import type { InputOf } from '../../../protocol.ts'
import { call } from '../../data/client.ts'
import { refreshCounts } from '../../data/counts.ts'
import { notify } from '../../parts/notices.tsx'

type ForEachName = 'replayDeadLetter' | 'discardDeadLetter'

/** Does the same with several letters, one after the other; one that fails does not keep the others. */
export function useForEach(onDone: () => void) {
  const [progress, setProgress] = useState<string | null>(null)
  const run = async <TName extends ForEachName>(operation: TName, inputs: readonly InputOf<TName>[], word: string): Promise<void> => {
    const failures: string[] = []
    for (const [index, input] of inputs.entries()) {
      setProgress(`${index + 1} of ${inputs.length}…`)
      await call(operation, input).catch((error: unknown) => failures.push(error instanceof Error ? error.message : String(error)))
    }
    setProgress(null)
    const done = inputs.length - failures.length
    if (done > 0) notify({ kind: 'done', text: `${done} ${word}` })
    if (failures[0] !== undefined) notify({ kind: 'error', text: `${failures.length} not ${word}: ${failures[0]}` })
    void refreshCounts()
    onDone()
  }
  return { run, progress }
}
