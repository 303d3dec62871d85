import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder of its own for a test, which removes it. */
export const makeTempDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'troupe-'))
