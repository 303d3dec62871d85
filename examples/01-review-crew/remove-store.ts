import { readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { createRuntime } from 'troupe'

/** Removes the database of a run and what lies beside it. Throws when a file that the user named is no store of Troupe. */
export async function removeStore(url: string, isNamed: boolean): Promise<void> {
  const path = /^sqlite:([^?]+)/.exec(url)?.[1] ?? ''
  const names = listFolder(dirname(path))
  if (path === '' || !names.includes(basename(path))) return
  if (isNamed) await createRuntime({ machines: {}, store: url }).then(runtime => runtime.close())
  for (const name of names) if (isPartOf(basename(path), name)) rmSync(join(dirname(path), name), { force: true })
}

/** The file itself, its `-wal` and `-shm`, and the `.….alive` of processes that use it. */
const isPartOf = (file: string, name: string): boolean => name === file || name === `${file}-wal` || name === `${file}-shm` || (name.startsWith(`${file}.`) && name.endsWith('.alive'))

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
