import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import { findProgram } from './find-redis.ts'

export type BoundProcess = ChildProcessByStdio<null, Readable, Readable>

const running = new Set<BoundProcess>()

const killRunning = (): void => running.forEach(child => child.kill('SIGKILL'))

/**
 * Starts a child that does not outlive us. Our own `exit` event does not come when we are killed; then the kernel ends
 * the child, where there is `setpriv` (Linux).
 */
export async function spawnBound(program: string, args: readonly string[]): Promise<BoundProcess> {
  const setpriv = await findProgram('setpriv')
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe']
  const child: BoundProcess = setpriv === undefined
    ? spawn(program, args, { stdio })
    : spawn(setpriv, ['--pdeathsig', 'KILL', '--', program, ...args], { stdio })
  if (running.size === 0) process.once('exit', killRunning)
  running.add(child)
  child.once('exit', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', killRunning)
  })
  return child
}
