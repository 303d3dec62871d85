import { posix } from 'node:path'
import type { PlacedFinding } from './duplicates.ts'
import type { Links } from './links.ts'

export interface Linked extends Links {
  readonly path: string
}

/** What others outside may import, or what is started: its exports need no importer here. */
const ENTRY = /(?:^|\/)(?:index|main)\.[cm]?[jt]s$|\.config\.[cm]?[jt]s$|\.d\.[cm]?ts$/
const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/** Exports that no other of the files imports. A type that its own file uses is left out: it may name a part of something that is imported. */
export function findUnusedExports(files: readonly Linked[]): readonly PlacedFinding[] {
  const used = usedNames(files)
  return files.flatMap(({ path, exports }) => exports.flatMap(({ name, line, isType, usedHere }): readonly PlacedFinding[] => {
    const isImported = used.has(`${path}\n${name}`) || used.has(`${path}\n*`) || used.has(`\n${name}`)
    if (ENTRY.test(path) || isImported || (isType && usedHere)) return []
    return [{ path, rule: 'unused-export', line, text: `${name} is ${usedHere ? 'used in this file only: it need not be exported' : 'imported by no other reviewed file, nor used in this one'}` }]
  }))
}

/** `path\nname` of all that is imported; without a path where the module could be any, as with a package's own name. */
function usedNames(files: readonly Linked[]): ReadonlySet<string> {
  const paths = new Set(files.map(({ path }) => path))
  const used = new Set<string>()
  for (const { path, imports } of files) {
    for (const { from, names } of imports) {
      const target = from.startsWith('.') ? resolve(posix.join(posix.dirname(path), from), paths) : ''
      if (target !== path) for (const name of names) used.add(`${target}\n${name}`)
    }
  }
  return used
}

/** The reviewed file that a path without or with another extension stands for. */
function resolve(target: string, paths: ReadonlySet<string>): string {
  const stem = target.replace(/\.[cm]?[jt]s$/, '')
  const candidates = [target, ...EXTENSIONS.flatMap(extension => [stem + extension, target + extension, `${target}/index${extension}`])]
  return candidates.find(candidate => paths.has(candidate)) ?? target
}
