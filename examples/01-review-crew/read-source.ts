import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSource } from './analyse/source.ts'
import type { Source } from './analyse/source.ts'

export async function readSource(folder: string, path: string): Promise<Source> {
  return parseSource(await readFile(join(folder, path), 'utf8'))
}
