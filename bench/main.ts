import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bench as agentTurns } from './agent-turns.ts'
import { bench as apiLoad } from './api-load.ts'
import { bench as cliStart } from './cli-start.ts'
import { bench as conversation } from './conversation.ts'
import { bench as cpuPool } from './cpu-pool.ts'
import { printProfile } from './cpu-profile.ts'
import { toLine } from './harness.ts'
import type { Bench } from './harness.ts'
import { bench as hop } from './hop.ts'
import { bench as inspectorLive } from './inspector-live.ts'
import { withLab } from './lab.ts'
import { bench as liveFanout } from './live-fanout.ts'
import { bench as lists } from './lists.ts'
import { bench as memory } from './memory.ts'
import { bench as patterns } from './patterns.ts'
import { bench as recovery } from './recovery.ts'
import { bench as redisLatency } from './redis-latency.ts'
import { bench as redisScale } from './redis-scale.ts'
import { bench as redisTakeover } from './redis-takeover.ts'
import { bench as redisThroughput } from './redis-throughput.ts'
import { bench as starts } from './starts.ts'
import { bench as swarm } from './swarm.ts'
import { bench as taskQueue } from './task-queue.ts'
import { bench as throughput } from './throughput.ts'
import { bench as vector } from './vector.ts'

const benches: readonly Bench[] = [throughput, hop, conversation, recovery, memory, starts, agentTurns, patterns, swarm, lists, apiLoad, liveFanout, inspectorLive, cpuPool, vector, cliStart, redisThroughput, redisLatency, redisScale, redisTakeover, taskQueue]

const HELP = `npm run bench -- [NAME…] [--quick] [--profile]

Prints one JSON line per figure; progress goes to standard error. Without a name all of them run.

${benches.map(({ name, question }) => `  ${name.padEnd(18)}${question}`).join('\n')}

  --quick       small sizes, under a minute for all; a missed target does not fail
  --profile     also take CPU profiles of every measured process, and say where the time went
                (the figures suffer: profiling costs time)

Exit code: 0, 1 when a target was missed or a bench failed, 2 for wrong arguments.
`

function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean', default: false }, profile: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    })
    const unknown = positionals.filter(name => !benches.some(bench => bench.name === name))
    if (unknown.length > 0) throw new Error(`there is no bench ${unknown.map(name => `'${name}'`).join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}`)
    return { ...values, chosen: positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name)) }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    return undefined
  }
}

async function main(): Promise<number> {
  const options = parse()
  if (!options) return 2
  if (options.help) {
    process.stderr.write(HELP)
    return 0
  }
  const { quick, chosen } = options
  const profiles = options.profile ? join(process.cwd(), 'tmp', `profiles-${process.pid}`) : undefined
  let failed = false
  for (const bench of chosen) {
    try {
      const figures = await withLab(bench, { quick, profiles }, lab => bench.run(lab))
      for (const figure of figures) {
        const line = toLine(bench.name, figure)
        process.stdout.write(`${JSON.stringify(line)}\n`)
        if (!line.ok && !quick) failed = true
      }
    } catch (error) {
      failed = true
      process.stderr.write(`${bench.name} failed: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
    if (profiles !== undefined) for (const side of Object.keys(bench.sides)) printProfile(join(profiles, `${bench.name}-${side}`))
  }
  return failed ? 1 : 0
}

process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))
process.exitCode = await main()
