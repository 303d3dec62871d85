import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reviewCode } from './analyse/code.ts'
import type { Finding } from './analyse/finding.ts'
import { fingerprintsOf, plainLines } from './analyse/fingerprint.ts'
import { reviewLines } from './analyse/lines.ts'
import { linksOf } from './analyse/links.ts'
import type { Links } from './analyse/links.ts'
import { reviewPromises } from './analyse/promises.ts'
import { codeLines, parseSource } from './analyse/source.ts'
import type { Source } from './analyse/source.ts'

/** What a file has to do with other files. */
export interface FileLinks extends Links {
  /** Hashes of its blocks; see `fingerprintsOf`. */
  readonly prints: readonly string[]
}

export async function readSource(folder: string, path: string): Promise<Source> {
  return parseSource(await readFile(join(folder, path), 'utf8'))
}

export async function measureFile(folder: string, path: string): Promise<{ lines: number; findings: readonly Finding[] }> {
  const source = await readSource(folder, path)
  return { lines: codeLines(source), findings: reviewLines(source) }
}

export async function inspectFile(folder: string, path: string): Promise<{ findings: readonly Finding[] }> {
  const source = await readSource(folder, path)
  return { findings: [...reviewPromises(source), ...reviewCode(source)] }
}

export async function linkFile(folder: string, path: string): Promise<FileLinks> {
  const source = await readSource(folder, path)
  return { ...linksOf(source), prints: fingerprintsOf(plainLines(source)) }
}
