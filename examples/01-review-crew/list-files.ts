import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** TypeScript and JavaScript without JSX, which the tokenizer does not know. */
const SOURCE = /\.[cm]?[jt]s$/
const NOT_WRITTEN_BY_HAND = /\.d\.[cm]?ts$|\.min\.[cm]?js$/
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'build', 'coverage', 'vendor'])
/** One run keeps what it knows of every file in one actor. */
const FILES_MAX = 5_000

/** Source files of a folder, sorted, relative to it. Throws when there are none, or more than a run can hold. */
export async function listFiles(folder: string, within: readonly string[]): Promise<readonly string[]> {
  const files: string[] = []
  const walk = async (path: string): Promise<void> => {
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED_FOLDERS.has(entry.name)) await walk(inner)
      else if (entry.isFile() && SOURCE.test(entry.name) && !NOT_WRITTEN_BY_HAND.test(entry.name)) files.push(inner)
      if (files.length > FILES_MAX) throw new Error(`${folder} has more than ${FILES_MAX} source files: name a smaller folder`)
    }
  }
  for (const path of within.length === 0 ? [''] : within) await walk(path)
  if (files.length === 0) throw new Error(`${folder} has no TypeScript or JavaScript files to review`)
  return files.toSorted()
}
