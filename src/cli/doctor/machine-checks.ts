import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { pinTo } from '../../workers/affinity.ts'
import { cpusAllowed } from '../../workers/cpu-list.ts'
import type { Finding } from './doctor.ts'

/** Each connection, store and thread takes some. */
const FILES_MIN = 4_096

export const checkMachine = async (): Promise<readonly Finding[]> => [openFiles(), clock(), await affinity()]

/** By doing it: this process ends soon. */
async function affinity(): Promise<Finding> {
  const allowed = cpusAllowed() ?? []
  const { reason } = await pinTo(allowed[0] ?? 0)
  if (reason !== null) return { check: 'CPUs', verdict: 'warn', found: `${availableParallelism()} CPUs, threads are not pinned: ${reason}`, advice: 'Threads for CPU-heavy work run all the same; on Linux they can be pinned.' }
  return { check: 'CPUs', verdict: 'ok', found: `${allowed.length} of ${cpus().length} may be used, threads can be pinned` }
}

function openFiles(): Finding {
  try {
    const text = execFileSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
    const limit = text === 'unlimited' ? Infinity : Number(text)
    if (limit >= FILES_MIN) return { check: 'open files', verdict: 'ok', found: text }
    return { check: 'open files', verdict: 'warn', found: text, advice: `Allow ${FILES_MIN} or more (\`ulimit -n ${FILES_MIN}\`, LimitNOFILE= of systemd): each connection takes one.` }
  } catch {
    return { check: 'open files', verdict: 'ok', found: 'no limit is known here' }
  }
}

/** Timers are absolute times: they are as true as the clock. */
function clock(): Finding {
  const now = new Date()
  const isSane = now.getFullYear() >= 2025 && now.getFullYear() < 2100
  return isSane ? { check: 'clock', verdict: 'ok', found: now.toISOString() } : { check: 'clock', verdict: 'fail', found: now.toISOString(), advice: 'Set the time of this machine (NTP): timers are absolute times.' }
}
