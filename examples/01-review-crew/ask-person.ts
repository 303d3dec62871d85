import { createInterface } from 'node:readline/promises'
import type { ReadStream, WriteStream } from 'node:tty'
import type { AskPerson } from './crew.ts'
import { count } from './report.ts'

/** Whoever sits at a terminal; undefined where nobody does. */
export function personAt(input: ReadStream, output: WriteStream): AskPerson | undefined {
  if (!input.isTTY || !output.isTTY) return undefined
  return async ({ subject: { findings, files, groups, path } }, signal) => {
    const lines = createInterface({ input, output })
    // In raw mode Ctrl-C is a key, and no signal.
    lines.once('SIGINT', () => process.emit('SIGINT'))
    try {
      const alike = groups > 0 ? `, ${count(groups, 'group')} of them alike` : ''
      const answer = await lines.question(`${count(findings, 'finding')} in ${count(files, 'file')}${alike}. Write ${path}? [Y/n] `, { signal })
      return !/^n/i.test(answer.trim())
    } catch (error) {
      if ((error as Error).name === 'AbortError') return undefined
      throw error
    } finally {
      lines.close()
    }
  }
}
