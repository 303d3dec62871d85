import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { assign, fromPromise, setup } from 'xstate'
import { packageFolder, versionOf } from '../version-of.ts'
import type { Finding } from './doctor.ts'

/** https://www.sqlite.org/releaselog/3_51_3.html: a WAL-reset could damage a file that several processes use. */
const SQLITE_MIN = [3, 51, 3]
const NODE_MIN = [22, 18, 0]

const numbers = (version: string): readonly number[] => version.replace(/^[^\d]*/, '').split(/[.-]/).slice(0, 3).map(Number)
const isAtLeast = (version: string, least: readonly number[]): boolean => {
  const parts = numbers(version)
  for (const [index, min] of least.entries()) if ((parts[index] ?? 0) !== min) return (parts[index] ?? 0) > min
  return true
}

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

/** Node, SQLite, XState, and this package itself. */
export async function checkPackage(): Promise<readonly Finding[]> {
  const { node, sqlite = '' } = process.versions
  const own = JSON.parse(readFileSync(new URL('package.json', packageFolder()), 'utf8')) as Manifest
  return [
    { check: 'troupe', verdict: 'ok', found: own.version },
    isAtLeast(node, NODE_MIN)
      ? { check: 'Node', verdict: 'ok', found: node }
      : { check: 'Node', verdict: 'fail', found: node, advice: `Troupe needs Node ${NODE_MIN.join('.')} or newer; 24 is best.` },
    sqlite === ''
      ? { check: 'SQLite', verdict: 'fail', found: 'this Node has none', advice: 'Use a build of Node with node:sqlite.' }
      : isAtLeast(sqlite, SQLITE_MIN)
        ? { check: 'SQLite', verdict: 'ok', found: sqlite }
        : { check: 'SQLite', verdict: 'warn', found: sqlite, advice: `Before ${SQLITE_MIN.join('.')} a file that several processes use may be damaged: use Node 24.21 or newer, or one process per file.` },
    xstateVersion(own),
    await xstateHooks(),
    ...duplicates(),
  ]
}

function xstateVersion({ dependencies }: Manifest): Finding {
  const wanted = dependencies['xstate'] ?? ''
  const require = createRequire(import.meta.url)
  const { version } = JSON.parse(readFileSync(join(require.resolve('xstate'), '../../package.json'), 'utf8')) as Manifest
  const [major, minor] = numbers(version)
  const [wantedMajor, wantedMinor] = numbers(wanted)
  return major === wantedMajor && minor === wantedMinor
    ? { check: 'XState', verdict: 'ok', found: version }
    : { check: 'XState', verdict: 'fail', found: `${version}, made for ${wanted}`, advice: `npm install xstate@'${wanted}'` }
}

const WAIT_MS = 5_000

/** What Troupe takes from inside of XState (relay, scheduler, restored snapshots), tried on a small machine. */
async function xstateHooks(): Promise<Finding> {
  const probe = setup({ types: { context: {} as { n: number } }, actors: { work: fromPromise(() => Promise.resolve(1)) } }).createMachine({
    context: { n: 0 }, initial: 'on',
    states: { on: { on: { GO: { target: 'working', actions: assign({ n: ({ context }) => context.n + 1 }) } } }, working: { invoke: { src: 'work', onDone: 'late' } }, late: { after: { 1: 'off' } }, off: { type: 'final' } },
    output: ({ context }) => context.n,
  })
  try {
    const { createRuntime } = await import('../../create-runtime.ts')
    await using runtime = await createRuntime({ machines: { probe }, store: 'memory:' })
    const actor = runtime.actor(probe, 'doctor')
    await actor.start()
    await actor.send({ type: 'GO' })
    await actor.result({ timeout: WAIT_MS })
    return { check: 'XState hooks', verdict: 'ok', found: 'an actor with a task and a timer has run to its end' }
  } catch (error) {
    return { check: 'XState hooks', verdict: 'fail', found: (error as Error).message, advice: 'Install the version of XState that Troupe names in its package.json.' }
  }
}

/** A command of one installation over the machines of another takes tasks of that one for strangers. */
function duplicates(): readonly Finding[] {
  try {
    const file = createRequire(join(process.cwd(), 'package.json')).resolve('troupe/package.json')
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as Manifest
    if (version === versionOf()) return []
    return [{ check: 'installations', verdict: 'warn', found: `this folder has troupe ${version}`, advice: 'Use `npx troupe` here, so that both are the same.' }]
  } catch {
    // This folder has none: then there are no two.
    return []
  }
}
