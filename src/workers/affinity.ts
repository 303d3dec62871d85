import { readlinkSync } from 'node:fs'
import { cpusAllowed, maskOf } from './cpu-list.ts'

/** What came of pinning the calling thread. */
export interface Pin {
  /** Null when the thread is not pinned. */
  readonly cpu: number | null
  /** Why it is not; null when it is. */
  readonly reason: string | null
}

/** Id of the calling thread in the kernel; undefined where there is no /proc. */
export function kernelThread(): number | undefined {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return undefined
  }
}

/**
 * Pins the calling thread to a CPU. `sched_setaffinity(0, …)` means the calling thread, so it has to be called inside it; Node has no
 * API for it. Never throws: where it is not possible the thread runs on any CPU, and the reason is told.
 */
export async function pinTo(cpu: number): Promise<Pin> {
  try {
    const { default: koffi } = await import('koffi')
    // Null is the process itself, in which the C library is loaded already, whatever its file is called.
    const set = koffi.load(null).func('int sched_setaffinity(int pid, size_t size, const uint8_t *mask)') as (pid: number, size: number, mask: Uint8Array) => number
    const mask = maskOf(cpu)
    if (set(0, mask.length, mask) !== 0) return { cpu: null, reason: `the kernel refused CPU ${cpu}: ${nameOf(koffi.os.errno, koffi.errno())}` }
  } catch (error) {
    return { cpu: null, reason: `koffi, which calls sched_setaffinity, cannot be used: ${(error as Error).message}` }
  }
  const allowed = cpusAllowed()
  return allowed?.length === 1 && allowed[0] === cpu ? { cpu, reason: null } : { cpu: null, reason: `pinned to CPU ${cpu}, but the kernel says ${allowed?.join(', ') ?? 'nothing'}` }
}

const nameOf = (names: Readonly<Record<string, number>>, errno: number): string => Object.keys(names).find(name => names[name] === errno) ?? `errno ${errno}`
