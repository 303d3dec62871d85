import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TroupeError, createRuntime } from 'troupe'
import { swarm, swarmCell } from 'troupe/patterns'
import type { SwarmResult } from 'troupe/patterns'
import { clashesOn, negotiation } from './negotiation.ts'
import type { Candidate } from './negotiation.ts'
import { UsageError, help, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { chartFor, createScreen, figuresOf } from './screen.ts'
import type { Progress } from './screen.ts'
import { makeTerm } from './term.ts'
import type { Term } from './term.ts'
import { isValid, judge, nameOfSlot, toCsv } from './timetable.ts'

// With `| head` nobody reads the rest; the work goes on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

/** All letters of one round between cells lie in one checkpoint. */
const CHECKPOINT_BYTES_MAX = 128 << 20

const number = (value: number): string => value.toLocaleString('en')

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (!options) {
    console.log(help)
    return 0
  }
  const term = makeTerm(options)
  const { exams, students, slots, rooms } = term
  console.log(`${number(exams.length)} exams of ${number(students.length)} students, ${slots} slots with ${rooms} rooms each (seed ${options.seed})`)
  if (options.fresh) removeStore(options.file)
  const outcome = await negotiate(term, options)
  if ('by' in outcome) {
    console.log(`Stopped after round ${outcome.progress.clashes.length}. Run again to go on.`)
    return outcome.by === 'SIGTERM' ? 143 : 130
  }
  return tell(term, options, outcome.result, outcome.progress)
}

/** Lets the exams negotiate, or go on with it. */
async function negotiate(term: Term, { file, seed }: Options): Promise<{ readonly progress: Progress } & ({ readonly result: SwarmResult } | { readonly by: NodeJS.Signals })> {
  const rules = negotiation(term, seed)
  const machines = { negotiation: swarm(rules), exams: swarmCell(rules) }
  mkdirSync(dirname(file), { recursive: true })
  await using runtime = await createRuntime({ machines, store: `sqlite:${file}`, limits: { checkpointBytesMax: CHECKPOINT_BYTES_MAX } })
  let by: NodeJS.Signals | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      by = signal
      void runtime.close()
    })
  }
  const actor = runtime.actor(machines.negotiation, 'term')
  await actor.start({})
  const before = (await actor.snapshot()).context
  if (before.round > 0) console.log(before.ended ? 'Settled by an earlier run; --fresh starts over.' : `Goes on after round ${before.round}.`)

  const screen = createScreen(process.stdout)
  const startedAt = performance.now()
  const clashes: number[] = []
  let progress: Progress = { clashes, steps: 0, stepsPerSecond: 0 }
  // From the beginning: the journal knows the rounds of earlier runs too.
  for await (const { snapshot } of actor.watch({ from: 0 })) {
    const { round, steps, board, ended } = snapshot.context
    if (round > clashes.length) {
      clashes.push(clashesOn(board))
      progress = { clashes, steps, stepsPerSecond: Math.max(0, steps - before.steps) / ((performance.now() - startedAt) / 1000) }
      if (round > before.round) screen.show(progress)
    }
    if (ended) break
  }
  screen.end()
  if (by) return { by, progress }
  const { status, reason, output } = await actor.result()
  if (status !== 'done' || !output) throw new TroupeError('actor/failed', `the swarm is ${status}: ${reason}`)
  return { result: output, progress }
}

/** Judges the timetable by the students themselves, writes it, and gives the exit code. */
function tell(term: Term, { out }: Options, { states = [], rounds, messages }: SwarmResult, progress: Progress): number {
  const timetable = states.map(state => (state as Candidate).slot)
  const verdict = judge(term, timetable)
  for (const line of chartFor(process.stdout, progress.clashes)) console.log(line)
  console.log(`  ${figuresOf(progress)}, ${number(messages)} messages`)
  const draft = `${out}.${process.pid}.tmp`
  writeFileSync(draft, toCsv(term, timetable))
  renameSync(draft, out)
  if (isValid(verdict)) {
    console.log(`Valid after ${rounds} rounds: no student has two exams at once, each exam has a room; the last one is on ${nameOfSlot(Math.max(...timetable))}.`)
  } else {
    const { clashes, students, roomless } = verdict
    console.log(`Not valid after ${rounds} rounds: ${number(clashes)} pairs of exams clash for ${number(students)} students, ${roomless} exams have no room.`)
    console.log(`More slots make it easier: --slots ${term.slots + 1}.`)
  }
  console.log(`Timetable: ${out}`)
  return isValid(verdict) ? 0 : 1
}

/** The file itself, its `-wal` and `-shm`, and the `.alive` of processes that use it. */
function removeStore(file: string): void {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.startsWith(basename(file))) rmSync(join(folder, name))
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof TroupeError)) throw error
  console.error(`swarm: ${error.message}`)
  console.error(error instanceof TroupeError ? error.remedy : 'Try --help.')
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
