/**
 * Every wall of docs/design is proven here: a file that breaks it is written into a scratch project
 * with the repository's own lint configuration, and the linter must reject that file for that reason.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

type Case = { readonly folder: string; readonly source: string }
type Broken = Case & { readonly rule: string }

const L1 = ['host', 'graph', 'guests', 'workers', 'webhooks', 'history', 'security', 'observability', 'stores/redis', 'stores/sqlite', 'stores/memory']
const up = (folder: string): string => '../'.repeat(folder.split('/').length)
const broken = (rule: string) => (folder: string, source: string): Broken => ({ rule, folder, source })
const wall = broken('troupe(walls)')
const imports = (folder: string, target: string): string => `import { x } from '${up(folder)}${target}'\nx()`

const WALLS: readonly Broken[] = [
  // L1 folders never import each other, and never what is above them.
  ...L1.flatMap((from) => L1.filter((to) => to !== from)
    .map((to) => wall(`src/${from}`, imports(`src/${from}`, `src/${to}/x.ts`)))),
  ...L1.flatMap((from) => ['src/api/x.ts', 'src/create-runtime.ts', 'src/cli/x.ts', 'src/index.ts', 'src/testing/x.ts', 'machines/x.ts']
    .map((to) => wall(`src/${from}`, imports(`src/${from}`, to)))),
  // core knows nobody.
  ...[...L1.map((to) => `src/${to}/x.ts`), 'src/api/x.ts', 'src/create-runtime.ts', 'src/index.ts', 'machines/x.ts', 'test/support/x.ts']
    .map((to) => wall('src/core', imports('src/core', to))),
  // L2: down only.
  ...['api', 'mcp', 'inspector'].flatMap((from) => ['src/create-runtime.ts', 'src/cli/x.ts', 'src/index.ts']
    .map((to) => wall(`src/${from}`, imports(`src/${from}`, to)))),
  wall('src/api', imports('src/api', 'src/mcp/x.ts')),
  wall('src/inspector/ui', imports('src/inspector/ui', 'src/inspector/server.ts')),
  wall('src/inspector/ui', imports('src/inspector/ui', 'src/core/x.ts')),
  wall('src/inspector/ui', `import { x } from 'node:fs'\nx()`),
  // L3 does not know L4; testing is not imported by the product.
  wall('src', `import { x } from './cli/main.ts'\nx()`),
  wall('src', `import { x } from './index.ts'\nx()`),
  wall('src', `import { x } from './testing/x.ts'\nx()`),
  wall('src/testing', imports('src/testing', 'src/cli/x.ts')),
  // patterns -> machines -> core; only the models of agents do I/O.
  wall('machines', imports('machines', 'patterns/x.ts')),
  wall('machines', imports('machines', 'src/host/x.ts')),
  wall('machines', imports('machines', 'src/stores/memory/x.ts')),
  wall('machines', imports('machines', 'src/workers/x.ts')),
  wall('machines/agent', `import { x } from 'node:fs'\nx()`),
  wall('machines/agent', `import { x } from 'ai'\nx()`),
  wall('machines/agent/models', imports('machines/agent/models', 'src/host/x.ts')),
  wall('machines', `import { x } from 'node:fs'\nx()`),
  wall('machines', `import { x } from 'ai'\nx()`),
  wall('patterns', imports('patterns', 'src/host/x.ts')),
  wall('patterns', imports('patterns', 'src/stores/sqlite/x.ts')),
  wall('patterns', imports('patterns', 'src/create-runtime.ts')),
  wall('patterns', `import { x } from 'node:net'\nx()`),
  // Examples import the package by its name, and no other example.
  wall('examples/01-a', imports('examples/01-a', 'src/index.ts')),
  wall('examples/01-a', imports('examples/01-a', 'machines/index.ts')),
  wall('templates/vote', imports('templates/vote', 'src/index.ts')),
  wall('examples/01-a', `import { x } from '../02-b/x.ts'\nx()`),
  wall('examples/01-a', `import { x } from 'ioredis'\nx()`),
  // Packages behind a port.
  wall('src/stores/sqlite', `import { x } from 'ioredis'\nx()`),
  wall('src/api', `import { x } from 'ioredis'\nx()`),
  wall('src/stores/redis', `import { x } from 'node:sqlite'\nx()`),
  wall('src', `import { x } from 'node:sqlite'\nx()`),
  wall('src/host', `import { x } from 'piscina'\nx()`),
  wall('src/api', `import { x } from 'undici'\nx()`),
  wall('src/api', `import x from 'ipaddr.js'\nx()`),
  wall('src/client', `import { x } from '@noble/ed25519'\nx()`),
  wall('src/graph', `import { x } from 'kysely'\nx()`),
  wall('src/graph', `import { x } from 'kysely/helpers/sqlite'\nx()`),
  wall('src/webhooks', `import { x } from 'hono'\nx()`),
  wall('src/host', `import { x } from '@hono/node-server'\nx()`),
  wall('src/cli', `import { x } from 'rate-limiter-flexible'\nx()`),
  wall('src/client', `import { x } from 'ws'\nx()`),
  wall('src/api', `import { x } from 'vitest'\nx()`),
  // The sources know themselves by path.
  wall('src', `import { x } from 'troupe'\nx()`),
  wall('machines', `import { x } from 'troupe/testing'\nx()`),
  // No I/O, time or process in the engine.
  ...['src/core', 'src/host'].flatMap((folder) => ['node:fs', 'fs', 'node:fs/promises', 'node:timers/promises', 'node:perf_hooks', 'node:worker_threads', 'node:net', 'node:process']
    .map((name) => wall(folder, `import { x } from '${name}'\nx()`))),
  // Every form of import is one.
  wall('src/host', `export { x } from '../stores/sqlite/x.ts'`),
  wall('src/host', `export * from '../stores/sqlite/x.ts'`),
  wall('src/host', `import type { X } from '../stores/sqlite/x.ts'\nexport type Y = X`),
  wall('src/host', `export type X = import('../stores/sqlite/x.ts').X`),
  wall('src/host', `export const x = await import('../stores/sqlite/x.ts')`),
  wall('src/host', `import '../stores/sqlite/x.ts'`),
  wall('src/host/deep/er', `export { x } from '../../../stores/sqlite/x.ts'`),
  wall('src/host', `export { x } from '../../src/stores/sqlite/x.ts'`),
  wall('src', `export const x = process.getBuiltinModule('node:sqlite')`),
]

const NEVER: readonly Broken[] = [
  broken('typescript(no-explicit-any)')('src/api', 'export const x: any = 1'),
  broken('troupe(no-enum)')('src/api', 'export enum X { A }'),
  broken('typescript(no-namespace)')('src/api', 'export namespace X { export const a = 1 }'),
  broken('troupe(no-decorator)')('src/api', 'declare const d: () => void\n@d\nexport class X {}'),
  broken('import(no-default-export)')('src/api', 'export default 1'),
  broken('typescript(no-non-null-assertion)')('src/api', 'export const f = (x?: string): string => x!'),
  broken('typescript(no-floating-promises)')('src/api', 'export const f = (): void => { Promise.resolve(1) }'),
  broken('typescript(no-misused-promises)')('src/api', 'export const f = (): number[] => [1].filter(async () => true)'),
  broken('eslint(no-empty)')('src/api', 'export const f = (): void => { try { f() } catch {} }'),
  broken('node(no-process-env)')('src/api', `export const x = process.env['HOME']`),
  broken('node(no-process-env)')('src/host', `export const x = process.env['HOME']`),
  broken('troupe(file-name)')('src/api/helpers.ts', 'export const x = 1'),
  broken('troupe(file-name)')('src/api/types.ts', 'export const x = 1'),
  broken('unicorn(filename-case)')('src/api/camelCase.ts', 'export const x = 1'),
  broken('troupe(todo-owner)')('src/api', '// TODO: one day\nexport const x = 1'),
  broken('eslint(max-lines)')('src/api', `export const x = 1\n${'export {}\n'.repeat(401)}`),
]

const globalUse = broken('eslint(no-restricted-globals)')
const propertyUse = broken('eslint(no-restricted-properties)')
const ambientUse = broken('troupe(no-ambient-time)')
const AMBIENT: readonly Broken[] = ['src/core', 'src/host'].flatMap((folder) => [
  globalUse(folder, 'export const x = Date.now()'),
  globalUse(folder, 'export const x = new Date()'),
  globalUse(folder, 'export const { now } = Date'),
  globalUse(folder, 'setTimeout(() => {}, 1)'),
  globalUse(folder, 'setInterval(() => {}, 1)'),
  globalUse(folder, 'setImmediate(() => {})'),
  globalUse(folder, 'export const x = performance.now()'),
  globalUse(folder, 'export const x = process.pid'),
  propertyUse(folder, 'export const x = Math.random()'),
  propertyUse(folder, 'export const x = crypto.randomUUID()'),
  ambientUse(folder, 'globalThis.setTimeout(() => {}, 1)'),
  ambientUse(folder, 'export const x = globalThis.Date.now()'),
  ambientUse(folder, `import { randomUUID } from 'node:crypto'\nrandomUUID()`),
  ambientUse(folder, `import * as c from 'node:crypto'\nc.randomUUID()`),
])

const ALLOWED: readonly Case[] = [
  ...L1.map((from) => ({ folder: `src/${from}`, source: imports(`src/${from}`, 'src/core/x.ts') })),
  { folder: 'src/core', source: `import { setup } from 'xstate'\nimport { createHash } from 'node:crypto'\nqueueMicrotask(() => { setup({}); createHash('sha256') })` },
  { folder: 'src/host', source: `import { x } from './deep/x.ts'\nx(Math.max(1, 2))` },
  { folder: 'src/stores/redis', source: `import { Redis } from 'ioredis'\nnew Redis()` },
  { folder: 'src/stores/sqlite', source: `import { DatabaseSync } from 'node:sqlite'\nnew DatabaseSync(':memory:').close()` },
  { folder: 'src/stores/sqlite', source: 'export const startedAt = Date.now()' },
  { folder: 'src/history', source: `import { Kysely } from 'kysely'\nexport const x = Kysely` },
  { folder: 'src/workers', source: `import { Piscina } from 'piscina'\nexport const x = Piscina` },
  { folder: 'src/api', source: imports('src/api', 'src/host/x.ts') },
  { folder: 'src/inspector/ui', source: imports('src/inspector/ui', 'src/inspector/protocol.ts') },
  { folder: 'src/create-runtime.ts', source: `import { x } from './stores/sqlite/x.ts'\nimport { y } from './host/y.ts'\nx(y, process.env['TROUPE_STORE'])` },
  { folder: 'src/index.ts', source: `export { x } from './create-runtime.ts'\nexport { y } from './core/y.ts'` },
  { folder: 'src/cli', source: imports('src/cli', 'src/create-runtime.ts') },
  { folder: 'src/testing', source: `import { x } from '../create-runtime.ts'\nimport { y } from '../stores/memory/y.ts'\nx(y)` },
  { folder: 'machines', source: `import { x } from '../src/core/x.ts'\nimport { setup } from 'xstate'\nx(setup({}))` },
  { folder: 'machines/agent/models', source: `import { x } from 'ai'\nimport { y } from 'node:fs/promises'\nx(y)` },
  { folder: 'patterns', source: `import { x } from '../machines/x.ts'\nimport { y } from '../src/core/x.ts'\nx(y)` },
  { folder: 'examples/01-a', source: `import { x } from 'troupe'\nimport { y } from 'troupe/testing'\nimport { z } from './z.ts'\nx(y, z)` },
  { folder: 'test/support', source: `import { x } from '../../src/host/x.ts'\nx()` },
  { folder: 'bench', source: `import { x } from '../src/stores/sqlite/x.ts'\nx()` },
]

/** The file of the n-th case of a group: its own name, unless the case is about the name. */
function fileOf({ folder }: Case, group: string, index: number): string {
  return folder.endsWith('.ts') ? folder : `${folder}/${group}-${index}.ts`
}

let scratch = ''
const reports = new Map<string, string[]>()

const GROUPS = { wall: WALLS, never: NEVER, ambient: AMBIENT, allowed: ALLOWED } as const

async function lint(folder: string): Promise<{ diagnostics: { code: string; filename: string }[] }> {
  const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint')
  const run = promisify(execFile)(process.execPath, [oxlint, '--format=json'], { cwd: folder, maxBuffer: 64 << 20 })
  // Exit code 1 means that it found something, which is what it is here for.
  const { stdout } = await run.catch((error: unknown) => error as { stdout: string })
  return JSON.parse(stdout) as Awaited<ReturnType<typeof lint>>
}

beforeAll(async () => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-walls-')))
  for (const part of ['.oxlintrc.json', '.ci', 'tsconfig.json']) cpSync(join(ROOT, part), join(scratch, part), { recursive: true })
  // The type-aware rules live in a binary that the linter looks for in the project.
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'), 'junction')
  writeFileSync(join(scratch, 'package.json'), '{"type":"module"}')
  for (const [group, cases] of Object.entries(GROUPS)) {
    for (const [index, item] of cases.entries()) {
      const path = join(scratch, fileOf(item, group, index))
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, `${item.source}\n`)
    }
  }
  const { diagnostics } = await lint(scratch)
  for (const { filename, code } of diagnostics) reports.set(filename, [...reports.get(filename) ?? [], code])
}, 60_000)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const rejected = (cases: readonly Broken[], group: string): void => {
  test.each(cases.map((item, index) => ({ ...item, file: fileOf(item, group, index) })))(
    '$folder: $source is rejected by $rule', ({ file, rule }) => {
      expect(reports.get(file) ?? []).toContain(rule)
    })
}

describe('a wall of the layers rejects', () => rejected(WALLS, 'wall'))
describe('the list of what we never write rejects', () => rejected(NEVER, 'never'))
describe('the engine rejects ambient time, randomness and process', () => rejected(AMBIENT, 'ambient'))

describe('what the layers allow passes', () => {
  test.each(ALLOWED.map((item, index) => ({ ...item, file: fileOf(item, 'allowed', index) })))(
    '$folder: $source', ({ file }) => {
      expect(reports.get(file) ?? []).toEqual([])
    })
})
