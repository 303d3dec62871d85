import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname, relative } from 'node:path'

/** Editors write a file in several steps. */
const SETTLE_MS = 80

/** Calls back when one of the files has changed. Folders are watched, not files: editors put a new file in the old one's place. */
export class FileWatch {
  readonly #files = new Set<string>()
  readonly #folders = new Map<string, FSWatcher>()
  readonly #onChange: (path: string) => void
  #timer: NodeJS.Timeout | undefined

  constructor(onChange: (path: string) => void) {
    this.#onChange = onChange
  }

  /** Of the project only: what is outside this folder does not change while one works on it. */
  add(path: string): void {
    if (this.#files.has(path) || relative(process.cwd(), path).startsWith('..')) return
    this.#files.add(path)
    const folder = dirname(path)
    if (this.#folders.has(folder)) return
    this.#folders.set(folder, watch(folder, (_, name) => this.#changed(folder, name)).on('error', () => undefined))
  }

  #changed(folder: string, name: string | null): void {
    const path = [...this.#files].find(file => dirname(file) === folder && basename(file) === name)
    if (path === undefined) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#onChange(path), SETTLE_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const folder of this.#folders.values()) folder.close()
  }
}
