/** A process with an actor whose task computes on the pool: `cpu-process.ts STORE LOG`. Tells what came of it. */
import { createRuntime } from 'troupe'
import { computing } from './cpu-machine.ts'
import { say } from './processes.ts'

const [store = '', log = ''] = process.argv.slice(2)
const machine = computing('logAndHang')
await using runtime = await createRuntime({ machines: { machine }, store, workers: { threads: 1 } })
const actor = runtime.actor(machine, '1')
await actor.start({ given: { log } })
say({ output: await actor.result() })
