import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

const FOLDER = 'appendonlydir'
const CRLF = '\r\n'

/** The append-only file of a server, as Redis 7 keeps it: a manifest, a base, and the part that grows. */
export class AppendOnlyFile {
  /** What grows, and is cut. */
  readonly log: Buffer
  readonly #name: string
  readonly #others: ReadonlyMap<string, Buffer>

  private constructor(name: string, log: Buffer, others: ReadonlyMap<string, Buffer>) {
    this.#name = name
    this.log = log
    this.#others = others
  }

  static async read(folder: string): Promise<AppendOnlyFile> {
    const name = basename(await AppendOnlyFile.pathIn(folder))
    const read = (file: string): Promise<Buffer> => readFile(join(folder, FOLDER, file))
    const others = (await readdir(join(folder, FOLDER))).filter(file => file !== name)
    return new AppendOnlyFile(name, await read(name), new Map(await Promise.all(others.map(async file => [file, await read(file)] as const))))
  }

  /** Where the part that grows lies. */
  static async pathIn(folder: string): Promise<string> {
    const name = (await readdir(join(folder, FOLDER))).find(file => file.endsWith('.incr.aof'))
    if (name === undefined) throw new Error(`${join(folder, FOLDER)} has no part that grows`)
    return join(folder, FOLDER, name)
  }

  /** A copy of it in which something else stands where it grows: what a power loss has left. */
  async writeInto(folder: string, log: Uint8Array): Promise<void> {
    await mkdir(join(folder, FOLDER))
    await Promise.all([...this.#others].map(([file, text]) => writeFile(join(folder, FOLDER, file), text)))
    await writeFile(join(folder, FOLDER, this.#name), log)
  }
}

/** What takes effect whole or not at all: one command, or all that one script has written. */
export interface Unit {
  readonly start: number
  readonly end: number
  readonly commands: readonly (readonly Buffer[])[]
}

export function unitsOf(log: Buffer): readonly Unit[] {
  const units: Unit[] = []
  let commands: (readonly Buffer[])[] = []
  let isOpen = false
  let start = 0
  for (let at = 0; at < log.length; ) {
    const { words, end } = readCommand(log, at)
    at = end
    const name = words[0]?.toString().toUpperCase()
    if (name === 'MULTI') isOpen = true
    else if (name === 'EXEC') isOpen = false
    else commands.push(words)
    if (isOpen) continue
    units.push({ start, end, commands })
    commands = []
    start = end
  }
  return units
}

/** The partitions whose keys a unit writes; none where it writes no keys, or those of the deployment. */
export const partitionsOf = ({ commands }: Unit): ReadonlySet<number> =>
  new Set(commands.flatMap(([, key]) => {
    const [, partition] = /^\{[^{}]*:(\d+)\}/.exec(key?.toString() ?? '') ?? []
    return partition === undefined ? [] : [Number(partition)]
  }))

function readCommand(log: Buffer, from: number): { readonly words: readonly Buffer[]; readonly end: number } {
  let at = from
  const readNumber = (): number => {
    const end = log.indexOf(CRLF, at)
    const number = Number(log.toString('latin1', at + 1, end))
    at = end + CRLF.length
    return number
  }
  const words = Array.from({ length: readNumber() }, () => {
    const length = readNumber()
    const word = log.subarray(at, at + length)
    at += length + CRLF.length
    return word
  })
  return { words, end: at }
}
