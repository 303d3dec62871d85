import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { waitUntil } from './processes.ts'
import { findPython } from './redis/find-redis.ts'
import { spawnBound } from './redis/spawn-bound.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/09-python-worker', import.meta.url))

/** Starts a program of the Python example, or one that uses its worker. */
async function startPython(...args: readonly string[]) {
  const child = await spawnBound(await findPython(), ['-B', ...args])
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    /** Resolves with the exit code once all it has said is read. */
    signal(signal: NodeJS.Signals): Promise<number | null> {
      child.kill(signal)
      return ended
    },
    ended,
    said: () => out,
    complained: () => errors,
    hasBegun: (times = 1) => waitUntil('the Python task has begun', () => out.split('begun\n').length > times),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The tasks of `python-tasks.py`; `name` is what they call their worker. */
export const startPythonWorker = (url: string, name = 'one') => startPython(fileURLToPath(new URL('python-tasks.py', import.meta.url)), EXAMPLE, url, name)

/** The tasks of the example. */
export const startPythonExample = (url: string) => startPython(`${EXAMPLE}/tasks.py`, url)
