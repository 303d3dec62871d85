import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { TroupeError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'

/** Primary result codes, https://www.sqlite.org/rescode.html. */
const ERROR = 1
const BUSY = 5
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const NOTADB = 26
/** Extended codes of a failed write, fsync, truncate, and of a shared memory file that cannot grow. */
const IOERR_WRITING: ReadonlySet<number> = new Set([778, 1034, 1546, 4874])

/** Below this much free space a failed write is put down to the full disk. */
const FREE_BYTES_MIN = 256 * 1024

const errcodeOf = (thrown: unknown): number | undefined => {
  const code = (thrown as { readonly errcode?: unknown } | undefined)?.errcode
  return typeof code === 'number' ? code : undefined
}

export const isBusy = (thrown: unknown): boolean => ((errcodeOf(thrown) ?? 0) & 0xff) === BUSY

/** Maps what SQLite and the file system throw; anything else passes unchanged. */
export function toStoreError(thrown: unknown, path: string): unknown {
  if (thrown instanceof TroupeError) return thrown
  const verdict = judge(thrown, path)
  return verdict ? new TroupeError(verdict.code, `${path} ${verdict.text}`, { cause: thrown, details: { path } }) : thrown
}

/** As `toStoreError`, for a file that is being opened: what SQLite cannot make sense of then is damage. */
export function toOpenError(thrown: unknown, path: string): unknown {
  if (errcodeOf(thrown) !== ERROR) return toStoreError(thrown, path)
  return new TroupeError('store/corrupt', `${path} is damaged (${(thrown as Error).message}); nothing was changed: restore it from a backup`, { cause: thrown, details: { path } })
}

interface Verdict {
  readonly code: ErrorCode
  readonly text: string
}

function judge(thrown: unknown, path: string): Verdict | undefined {
  const errcode = errcodeOf(thrown)
  if (errcode === undefined) return judgeFileSystem(thrown)
  const message = (thrown as Error).message
  switch (errcode & 0xff) {
    case BUSY:
      return { code: 'store/failed', text: 'is kept locked by another process: wait for it, or end it if it hangs' }
    case READONLY:
    case CANTOPEN:
      return { code: 'store/readonly', text: `cannot be opened for writing (${message}): make the file and its folder writable, or name another path` }
    case CORRUPT:
    case NOTADB:
      return { code: 'store/corrupt', text: `is damaged or is no Troupe store (${message}); nothing was changed: restore it from a backup, or name another path` }
    case FULL:
      return { code: 'store/full', text: 'does not fit: the disk is full; free some space and send again' }
    case IOERR:
      if (IOERR_WRITING.has(errcode) && isDiskFull(path)) return { code: 'store/full', text: 'does not fit: the disk is full; free some space and send again' }
      return { code: 'store/failed', text: `could not be read or written (${message}): look at the disk` }
    default:
      return { code: 'store/failed', text: `failed: ${message}` }
  }
}

function judgeFileSystem(thrown: unknown): Verdict | undefined {
  const { code, message, syscall } = (thrown ?? {}) as NodeJS.ErrnoException
  if (syscall === undefined) return undefined
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EEXIST':
      return { code: 'store/readonly', text: `cannot be made (${message}): make its folder writable, or name another path` }
    case 'ENOSPC':
    case 'EDQUOT':
      return { code: 'store/full', text: 'does not fit: the disk is full; free some space and send again' }
    default:
      return { code: 'store/failed', text: `failed: ${message}` }
  }
}

function isDiskFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize < FREE_BYTES_MIN
}
