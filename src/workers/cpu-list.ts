import { readFileSync } from 'node:fs'

/** Bytes of the mask given to the kernel: room for 8,192 CPUs, what Linux can be built for. */
const MASK_BYTES = 1024

/** Reads a list of the kernel, such as `0-3,64`. */
export function parseCpuList(text: string): readonly number[] {
  return text.trim().split(',').filter(Boolean).flatMap(range => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** A `cpu_set_t` with one CPU in it. */
export function maskOf(cpu: number): Uint8Array {
  const mask = new Uint8Array(MASK_BYTES)
  mask[cpu >> 3] = 1 << (cpu & 7)
  return mask
}

/** CPUs on which the kernel lets a thread of this process run; by default the calling one. Undefined where the kernel cannot be asked. */
export function cpusAllowed(tid?: number): readonly number[] | undefined {
  try {
    const status = readFileSync(`/proc/${tid === undefined ? 'thread-self' : `self/task/${tid}`}/status`, 'utf8')
    const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1]
    return list === undefined ? undefined : parseCpuList(list)
  } catch {
    // No Linux, no /proc in this container, or the thread has ended.
    return undefined
  }
}
