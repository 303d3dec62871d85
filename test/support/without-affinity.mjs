// `node --import`: from here on the kernel refuses sched_setaffinity to this process with EPERM, as containers with a strict seccomp profile do.
import { isMainThread } from 'node:worker_threads'
import koffi from 'koffi'

const PR_SET_NO_NEW_PRIVS = 38
const PR_SET_SECCOMP = 22
const SECCOMP_MODE_FILTER = 2
const CALL_NUMBER = { x64: 203, arm64: 122 }[process.arch]
const EPERM = 1

// Load the number of the system call; refuse this one; allow all others.
const program = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, CALL_NUMBER],
  [0x06, 0, 0, 0x00050000 | EPERM],
  [0x06, 0, 0, 0x7fff0000],
]

if (isMainThread) {
  const filters = new DataView(new ArrayBuffer(program.length * 8))
  program.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    filters.setUint16(index * 8, code, true)
    filters.setUint8(index * 8 + 2, jumpTrue)
    filters.setUint8(index * 8 + 3, jumpFalse)
    filters.setUint32(index * 8 + 4, value, true)
  })
  const bytes = new Uint8Array(filters.buffer)
  koffi.struct('sock_fprog', { len: 'uint16_t', filter: koffi.pointer('uint8_t') })
  const prctl = koffi.load(null).func('int prctl(int option, unsigned long a, sock_fprog *b, unsigned long c, unsigned long d)')
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, null, 0, 0) !== 0) throw new Error('no_new_privs was refused')
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { len: program.length, filter: bytes }, 0, 0) !== 0) throw new Error(`seccomp was refused: ${koffi.errno()}`)
}
