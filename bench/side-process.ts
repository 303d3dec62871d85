import type { Bench, Side } from './harness.ts'
import type { SideMessage } from './lab.ts'

// The process in which one side of a bench is measured: `side-process.ts BENCH SIDE PARAMS`, started by lab.ts.
const [bench = '', side = '', params = 'null'] = process.argv.slice(2)

const answer = (message: SideMessage): void => void process.send?.(message)

// The starter takes the result and lets go, or kills.
process.once('disconnect', () => process.exit(0))

try {
  const module = (await import(`./${bench}.ts`)) as { readonly bench: Bench }
  const run = module.bench.sides[side] as Side<unknown>
  answer({ result: await run(JSON.parse(params)) })
} catch (error) {
  answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}
