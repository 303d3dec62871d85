/**
 * The layer walls of docs/design: which folder may import what.
 *
 * A file belongs to the zone with the longest matching path. A zone lists the zones it may import
 * (its own is always allowed) and, where that is limited, the packages. `lint-plugin.ts` asks
 * `refuseImport` about every import, re-export, dynamic import and import type;
 * `test/unit/walls.test.ts` proves each wall with a file that breaks it.
 */

type Zone = {
  readonly path: string
  /** Zones it may import. A trailing `:types` allows `import type` only; `*` allows every zone. */
  readonly imports: readonly string[]
  /** Packages it may import; absent: any that no other rule forbids. */
  readonly packages?: readonly string[]
}

export type ImportRequest = {
  /** Importing file, relative to the repository, with forward slashes. */
  readonly file: string
  readonly specifier: string
  readonly typeOnly: boolean
}

const L1 = [
  'src/host', 'src/graph', 'src/guests', 'src/workers', 'src/webhooks', 'src/history', 'src/security', 'src/observability',
  'src/stores', 'src/stores/*',
]
const L2 = ['src/api', 'src/mcp', 'src/inspector', 'src/inspector/protocol.ts', 'src/client']

/** Built into the inspector's files: nothing of Node, and nothing that reaches out of the page. */
const UI_PACKAGES = ['react', 'react-dom', '@xyflow/react', 'elkjs', '@tanstack/react-virtual', 'cmdk', 'uplot', 'vite', '@vitejs/plugin-react']

const L1_ZONES: readonly Zone[] = L1.map((path) => ({ path, imports: ['src/core'] }))

const ZONES: readonly Zone[] = [
  { path: 'src/core', imports: [] },
  ...L1_ZONES,
  { path: 'src/api', imports: ['src/core', ...L1] },
  { path: 'src/mcp', imports: ['src/core', ...L1] },
  { path: 'src/inspector', imports: ['src/core', ...L1, 'src/inspector/protocol.ts'] },
  { path: 'src/inspector/protocol.ts', imports: ['src/core:types'], packages: ['zod'] },
  // Runs in browsers too: operations and errors of the core, and what every platform has.
  { path: 'src/client', imports: ['src/core'], packages: ['zod'] },
  { path: 'src/inspector/ui', imports: ['src/inspector/protocol.ts', 'src/client'], packages: UI_PACKAGES },
  // Files directly in src/ (create-runtime.ts and its neighbours): where adapters meet the host.
  { path: 'src', imports: ['src/core', ...L1, ...L2] },
  { path: 'src/testing', imports: ['src/core', ...L1, ...L2, 'src'] },
  { path: 'src/index.ts', imports: ['src/core', ...L1, ...L2, 'src'] },
  { path: 'src/cli', imports: ['src/core', ...L1, ...L2, 'src', 'machines', 'patterns'] },
  // The words that machines are written in (`task`, `remote`, `reply`, errors) are values of the core.
  { path: 'machines', imports: ['src/core', 'machines/agent', 'machines/agent/models'], packages: ['xstate', 'zod', 'croner'] },
  { path: 'machines/agent', imports: ['src/core', 'machines', 'machines/agent/models'], packages: ['xstate', 'zod'] },
  // Effects of tasks: the only place where an agent meets a provider or a file.
  { path: 'machines/agent/models', imports: ['src/core', 'machines', 'machines/agent'], packages: ['zod', 'ai', '@ai-sdk/provider', 'node:fs', 'node:crypto'] },
  { path: 'patterns', imports: ['machines', 'machines/agent', 'src/core'], packages: ['xstate', 'zod'] },
  { path: 'examples', imports: [] },
  { path: 'examples/*', imports: [] },
  // Projects that `troupe init` makes: they stand alone, and import the package by its name.
  { path: 'templates', imports: [] },
  { path: 'templates/*', imports: [] },
  { path: 'test', imports: ['*'] },
  { path: 'bench', imports: ['*'] },
  { path: '.ci', imports: [] },
  { path: '.', imports: ['*'] },
]

/** Packages that live behind one port: the only product folders that may import them. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  ioredis: ['src/stores/redis'],
  'node:sqlite': ['src/stores/sqlite', 'src/history'],
  piscina: ['src/workers'],
  koffi: ['src/workers'],
  kysely: ['src/history'],
  ai: ['machines/agent/models'],
  '@ai-sdk/provider': ['machines/agent/models'],
  croner: ['machines'],
  undici: ['src/webhooks'],
  'ipaddr.js': ['src/webhooks'],
  '@noble/ed25519': ['src/webhooks'],
  hono: ['src/api'],
  '@hono/node-server': ['src/api', 'src/create-server.ts'],
  'rate-limiter-flexible': ['src/api'],
  ws: ['src/api'],
  vitest: ['src/testing'],
}

/** I/O, time and randomness: arguments of the engine, never imports of it. */
const NOT_IN_ENGINE = [
  'fs', 'net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'child_process', 'cluster',
  'worker_threads', 'sqlite', 'timers', 'perf_hooks', 'readline', 'process', 'os',
]

const ENGINE = ['src/core', 'src/host']
const PRODUCT = ['src', 'machines', 'patterns', 'examples']

const isInside = (path: string, folder: string): boolean =>
  folder === '.' || path === folder || path.startsWith(`${folder}/`)

function zonePattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.+]/g, '\\$&').replaceAll('*', '[^/]+')
  // `src/stores/*` is a folder per store; a file right inside src/stores is not one.
  return new RegExp(path.endsWith('*') ? `^(${escaped})/` : `^(${escaped})(?:/|$)`)
}

const MATCHERS = ZONES
  .map((zone) => ({ zone, pattern: zonePattern(zone.path) }))
  .toSorted((a, b) => b.zone.path.length - a.zone.path.length)

/** Zone of a file, and the folder that matched (`src/stores/redis` for the zone `src/stores/*`). */
function zoneOf(path: string): { zone: Zone; root: string } | undefined {
  for (const { zone, pattern } of MATCHERS) {
    const match = zone.path === '.' ? /^()[^/]+$/.exec(path) : pattern.exec(path)
    if (match) return { zone, root: match[1] ?? '' }
  }
  return undefined
}

function resolveRelative(file: string, specifier: string): string {
  const parts = file.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return `../${specifier}`
      parts.pop()
    } else if (part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}

/** `node:fs/promises` -> `node:fs`, `fs` -> `node:fs`, `@a/b/c` -> `@a/b`, `xstate/graph` -> `xstate`. */
function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/')
  if (first.startsWith('@')) return `${first}/${second}`
  return first === 'sqlite' || NOT_IN_ENGINE.includes(first) ? `node:${first}` : first
}

function refuseInternal({ file, specifier, typeOnly }: ImportRequest): string | undefined {
  const from = zoneOf(file)
  const target = resolveRelative(file, specifier)
  const to = zoneOf(target)
  if (!from || from.zone.imports.includes('*')) return undefined
  if (!to) return `${file} imports ${target}, which is outside every known folder`
  if (from.root === to.root && from.zone === to.zone) return undefined
  if (from.zone.imports.includes(to.zone.path)) return undefined
  if (from.zone.imports.includes(`${to.zone.path}:types`)) {
    return typeOnly ? undefined : `${from.zone.path} may import only types of ${to.zone.path}: use import type`
  }
  const name = from.root || from.zone.path
  if (isInside(file, 'examples') || isInside(file, 'templates')) return `${name} must import the package by its name, not ${target}`
  const allowed = from.zone.imports.filter((path) => !path.includes('*')).join(', ')
  return `${name} must not import ${target}; it may import ${allowed || 'only itself'}`
}

function refusePackage({ file, specifier }: ImportRequest): string | undefined {
  if (!PRODUCT.some((folder) => isInside(file, folder))) return undefined
  const name = packageOf(specifier)
  const homes = Object.hasOwn(HOMES, name) ? HOMES[name] : undefined
  if (homes && !homes.some((home) => isInside(file, home))) {
    return `${name} may be imported only in ${homes.join(' and ')}`
  }
  if (name === 'troupe' && !isInside(file, 'examples')) {
    return 'the sources import each other by path, never by the package name'
  }
  if (ENGINE.some((folder) => isInside(file, folder)) && NOT_IN_ENGINE.includes(name.replace('node:', ''))) {
    return `${name} is I/O, time or the process: src/core and src/host take it as an argument (a port)`
  }
  const packages = zoneOf(file)?.zone.packages
  if (packages && !packages.includes(name)) {
    return `${zoneOf(file)?.zone.path} may import only ${packages.join(' and ')}, not ${name}`
  }
  return undefined
}

/** Why this import breaks a wall, or undefined if it does not. */
export function refuseImport(request: ImportRequest): string | undefined {
  return /^\.{0,2}\//.test(request.specifier) ? refuseInternal(request) : refusePackage(request)
}
