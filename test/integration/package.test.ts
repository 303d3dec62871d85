/** The tarball that users install: packed, installed into an empty folder, used from there. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>
  dependencies: Record<string, string>
}

const HELLO = (types: string): string => `
import { createRuntime } from 'troupe'
import { setup, assign } from 'xstate'

const counter = setup(${types}).createMachine({
  id: 'counter',
  context: { n: 0 },
  on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
})

const runtime = await createRuntime({ machines: { counter }, store: 'sqlite:./app.db' })
const actor = runtime.actor(counter, '42')
await actor.start()
const snapshot = await actor.ask({ type: 'add' })
console.log(snapshot.context.n)
await runtime.close()
`

let app = ''

/** Runs a command in the app's folder, free of the repository's own conditions and npm settings. */
async function run(command: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env)
    .filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('VITEST') && !/^npm_(?:config_local|lifecycle|package)/i.test(name)))
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: app, env })
    return stdout.trim()
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed in ${app}\n${stdout}\n${stderr}`, { cause: error })
  }
}

const node = (...args: string[]): Promise<string> => run(process.execPath, '--disable-warning=ExperimentalWarning', ...args)

beforeAll(async () => {
  app = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-package-')))
  // `prepack` builds dist first.
  const packed = await run('npm', 'pack', ROOT, '--json', '--silent', '--pack-destination', app)
  // A prepack script writes to stdout too: the report is what follows it.
  const tarball = /"filename":\s*"([^"]+)"/.exec(packed)?.[1]
  expect(tarball, packed).toBeDefined()
  writeFileSync(join(app, 'package.json'), JSON.stringify({
    name: 'app',
    private: true,
    type: 'module',
    dependencies: { troupe: `file:./${tarball}`, xstate: own.dependencies['xstate'], zod: own.dependencies['zod'] },
  }))
  await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts')
}, 240_000)

afterAll(() => rmSync(app, { recursive: true, force: true }))

test('every entry point of the packed package can be imported', async () => {
  const entries = Object.keys(own.exports).filter((path) => !path.endsWith('.json')).map((path) => `troupe${path.slice(1)}`)
  expect(entries.length).toBeGreaterThan(1)
  for (const entry of entries) {
    const names = await node('--input-type=module', '--eval', `console.log(Object.keys(await import('${entry}')).length)`)
    expect(Number(names), entry).toBeGreaterThan(0)
  }
})

test('a counter in JavaScript counts on after a restart', async () => {
  writeFileSync(join(app, 'hello.js'), HELLO('{}'))
  expect(await node('hello.js')).toBe('1')
  expect(await node('hello.js')).toBe('2')
  rmSync(join(app, 'app.db'))
})

test('a counter in TypeScript has checked types and runs as it is', async () => {
  writeFileSync(join(app, 'hello.ts'), HELLO(`{ types: { context: {} as { n: number }, events: {} as { type: 'add' } } }`))
  writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      target: 'es2024', module: 'nodenext', strict: true, noEmit: true, skipLibCheck: false,
      // Not exactOptionalPropertyTypes: XState's own declarations do not hold it.
      typeRoots: [join(ROOT, 'node_modules/@types')], types: ['node'],
    },
    files: ['hello.ts'],
  }))
  await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', app)
  expect(await node('hello.ts')).toBe('1')
  expect(await node('hello.ts')).toBe('2')
})

test('the hello agent has checked types and runs offline as it is', async () => {
  writeFileSync(join(app, 'agent.ts'), readFileSync(join(ROOT, 'examples/02-hello/main.ts'), 'utf8'))
  writeFileSync(join(app, 'tsconfig.agent.json'), JSON.stringify({ extends: './tsconfig.json', compilerOptions: { lib: ['es2024', 'esnext.disposable'] }, files: ['agent.ts'] }))
  await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', join(app, 'tsconfig.agent.json'))
  expect(await node('agent.ts')).toMatch(/^done: .* \(2 model calls, 1 tool call\)$/)
})

test('a function beside the app runs on the pool, pinned where the machine can', async () => {
  writeFileSync(join(app, 'heavy.js'), `import { move } from 'troupe/workers'\nexport const double = numbers => move(numbers.map(number => number * 2), [])\n`)
  writeFileSync(join(app, 'pool.js'), `
import { createRuntime } from 'troupe'
import { cpuTask } from 'troupe/workers'
const double = cpuTask({ module: new URL('./heavy.ts', import.meta.url), export: 'double' })
await using runtime = await createRuntime({ machines: { double }, store: 'memory:' })
const actor = runtime.actor(double, '1')
await actor.start([1, 2])
const output = await actor.result()
const { pinning, threads } = runtime.workers.info()
console.log(JSON.stringify({ output, isOn: pinning.isOn, cpus: threads.map(({ cpu, cpusAllowed }) => [cpu, cpusAllowed]) }))
`)
  const { output, isOn, cpus } = JSON.parse(await node('pool.js')) as { output: number[]; isOn: boolean; cpus: [number, number[]][] }
  expect(output).toEqual([2, 4])
  if (process.platform !== 'linux') return
  expect(isOn).toBe(true)
  for (const [cpu, allowed] of cpus) expect(allowed).toEqual([cpu])
})

test('a wrong event type does not compile against the packed types', async () => {
  const source = readFileSync(join(app, 'hello.ts'), 'utf8').replace(`ask({ type: 'add' })`, `ask({ type: 'subtract' })`)
  writeFileSync(join(app, 'hello.ts'), source)
  await expect(node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', app)).rejects.toThrow(/subtract/)
})
