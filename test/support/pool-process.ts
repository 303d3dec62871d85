/** A process whose pool says how it is pinned: `pool-process.ts OPTIONS` with the options as JSON. */
import { createCpuPool } from 'troupe/workers'
import type { WorkersOptions } from 'troupe/workers'
import type { whereAmI } from './cpu-functions.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as WorkersOptions
await using pool = createCpuPool(options)
const planes = Object.keys(options.planes ?? { default: {} })
const calls = planes.flatMap(plane => Array.from({ length: pool.threadsMax(plane) }, () => pool.run<typeof whereAmI>({ module: new URL('cpu-functions.ts', import.meta.url), export: 'whereAmI', input: 300, plane })))
const seen = await Promise.all(calls)
process.stdout.write(`${JSON.stringify({ seen, info: pool.info() })}\n`)
