import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder of its own for a test, which removes it. */
export const makeTempDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'troupe-'))

/** The same in memory where the system has such a place: for tests that write much and lose no power. */
export const makeFastTempDir = (): Promise<string> => mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'troupe-'))
