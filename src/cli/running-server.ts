import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where `dev` and `serve` say that they run, for the other commands of this folder. */
const FILE = join('.troupe', 'server.json')

export interface RunningServer {
  readonly pid: number
  readonly url: string
}

export function announceServer(server: RunningServer): void {
  mkdirSync('.troupe', { recursive: true })
  // What runs here is nobody's to check in.
  writeFileSync(join('.troupe', '.gitignore'), '*\n')
  writeFileSync(FILE, `${JSON.stringify(server)}\n`)
}

/** Leaves the word of one that has come after this process. */
export function retractServer(): void {
  if (read()?.pid === process.pid) rmSync(FILE, { force: true })
}

/** The server of this folder, if its process lives. */
export function findServer(): RunningServer | undefined {
  const server = read()
  return server && lives(server.pid) ? server : undefined
}

function read(): RunningServer | undefined {
  try {
    const { pid, url } = JSON.parse(readFileSync(FILE, 'utf8')) as Partial<RunningServer>
    return Number.isInteger(pid) && typeof url === 'string' && URL.canParse(url) ? { pid: pid as number, url } : undefined
  } catch {
    // None, or half of one: nothing runs here that could be trusted.
    return undefined
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
