import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FUNCTIONS_SHOWN = 30

/** Says, from the CPU profiles in a folder, where the time went: by part of the program, and by function (self time). */
export function printProfile(folder: string): void {
  // A process that was killed leaves none.
  if (!existsSync(folder)) return
  const selfUs = new Map<string, { readonly part: string; readonly where: string; us: number }>()
  for (const file of readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    for (const [index, id] of samples.entries()) {
      const frame = frames.get(id)
      if (!frame || frame.functionName === '(idle)') continue
      const where = `${frame.functionName || '(anonymous)'} ${placeOf(frame.url)}${frame.url === '' ? '' : `:${frame.lineNumber + 1}`}`
      const entry = selfUs.get(where) ?? { part: partOf(frame), where, us: 0 }
      entry.us += timeDeltas[index] ?? 0
      selfUs.set(where, entry)
    }
  }
  const all = [...selfUs.values()]
  const total = all.reduce((sum, { us }) => sum + us, 0)
  const share = (us: number): string => `${((100 * us) / total).toFixed(1).padStart(5)} %`
  const parts = Map.groupBy(all, ({ part }) => part)
  const sums = [...parts].map(([part, entries]) => ({ part, us: entries.reduce((sum, { us }) => sum + us, 0) }))
  const lines = [
    `profile in ${relative(process.cwd(), folder)}, ${(total / 1e6).toFixed(1)} s of CPU`,
    ...sums.toSorted((a, b) => b.us - a.us).map(({ part, us }) => `${share(us)}  ${part}`),
    'by function, without what it calls:',
    ...all.toSorted((a, b) => b.us - a.us).slice(0, FUNCTIONS_SHOWN).map(({ where, us }) => `${share(us)}  ${where}`),
  ]
  process.stderr.write(`${lines.join('\n')}\n`)
}

const placeOf = (url: string): string => (url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)).replace(/^.*node_modules\//, '') : url)

function partOf({ functionName, url }: { readonly functionName: string; readonly url: string }): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native code (SQLite, JSON, Object.freeze …)'
  if (url.startsWith('node:')) return 'Node'
  const installed = /\/node_modules\/([^/]+)\//.exec(url)?.[1]
  if (installed !== undefined) return installed
  const [first = '', second = '', third = ''] = placeOf(url).split('/')
  return first === 'src' ? [first, second, third].filter(part => part !== '' && (!part.endsWith('.ts') || second === 'core' || second === 'host')).join('/') : first
}
