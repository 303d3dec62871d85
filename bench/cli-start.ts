import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRuntime } from 'troupe'
import { setup } from 'xstate'
import { createServer } from '../src/create-server.ts'
import { median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

const MAIN = join(import.meta.dirname, '../dist/src/cli/main.js')
const ACTORS = 60

/** Tells the CPU time of a process at its end, on a descriptor of its own. */
const METER = `process.on('exit', () => { const { user, system } = process.cpuUsage(); require('fs').writeSync(3, String(user + system)) })`

interface Start {
  readonly wallMs: number
  readonly cpuMs: number
}

async function start(meter: string, args: readonly string[]): Promise<Start> {
  const begun = performance.now()
  const child = spawn(process.execPath, ['--require', meter, ...args], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } })
  let cpuUs = ''
  child.stdio[3]?.on('data', (data: Buffer) => (cpuUs += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  const wallMs = performance.now() - begun
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return { wallMs, cpuMs: Number(cpuUs) / 1_000 }
}

const waiter = setup({}).createMachine({ id: 'waiter', initial: 'waiting', states: { waiting: {} } })

/** Starts of the built command line, in turns with Node doing nothing: medians. */
async function starts({ count, meter }: { readonly count: number; readonly meter: string }) {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build`)
  writeFileSync(meter, METER)
  await using runtime = await createRuntime({ machines: { waiter }, store: 'memory:' })
  await Promise.all(Array.from({ length: ACTORS }, (_, key) => runtime.actor(waiter, String(key)).start()))
  await using server = await createServer({ runtime, port: 0 })
  const commands = { node: ['--eval', '0'], version: [MAIN, '--version'], help: [MAIN, 'actors', '--help'], actors: [MAIN, 'actors', '--json', '--url', server.url] }
  // The first start compiles; what comes after finds that done.
  for (const args of Object.values(commands)) await start(meter, args)
  const names = Object.keys(commands) as (keyof typeof commands)[]
  const seen = await rounds(count, async () => {
    const round: Partial<Record<keyof typeof commands, Start>> = {}
    for (const name of names) round[name] = await start(meter, commands[name])
    return round as Record<keyof typeof commands, Start>
  })
  return Object.fromEntries(names.map(name => [name, { wallMs: median(seen.map(round => round[name].wallMs)), cpuMs: median(seen.map(round => round[name].cpuMs)) }])) as Record<keyof typeof commands, Start>
}

export const bench: Bench = {
  name: 'cli-start',
  question: 'How long does a command take to start?',
  sides: { starts },
  async run(lab) {
    lab.say('starts of the built command line')
    const { node, version, help, actors } = await lab.measure(starts, { count: lab.quick ? 5 : 40, meter: lab.file('meter.cjs') })
    return [
      { figure: 'nodeMs', value: node.wallMs, unit: 'ms' },
      { figure: 'versionMs', value: version.wallMs, unit: 'ms', atMost: 80 },
      { figure: 'helpMs', value: help.wallMs, unit: 'ms' },
      { figure: 'actorsMs', value: actors.wallMs, unit: 'ms' },
      { figure: 'nodeCpuMs', value: node.cpuMs, unit: 'ms' },
      { figure: 'versionCpuMs', value: version.cpuMs, unit: 'ms' },
      { figure: 'actorsCpuMs', value: actors.cpuMs, unit: 'ms', atMost: 200 },
    ]
  },
}
