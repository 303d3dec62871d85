import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { TermOptions } from './term.ts'

export interface Options extends TermOptions {
  /** Absolute path of the timetable. */
  readonly out: string
  /** File of the database. */
  readonly file: string
  readonly fresh: boolean
}

/** What is wrong with the command line, in one sentence. */
export class UsageError extends Error {}

export const help = `A swarm of exams negotiates a timetable: 2,000 small agents, one for each exam, until no student has two exams in one slot
and each exam has a room.

  npx node --conditions=troupe-source examples/06-swarm/main.ts [options]

  --seed N     another term; the same seed gives the same timetable (default 1)
  --exams N    how many, from 100 to 10,000 (default 2000)
  --slots N    how many there are to have them in, three a day (default 21); fewer are harder
  --out FILE   where the timetable goes (default timetable.csv)
  --fresh      start over instead of going on
  --help       this text

Kill it whenever you like, with Ctrl-C or kill -9: the same command goes on where it was, and the timetable is the same.`

/** Reads the command line; undefined asks for help. Throws `UsageError`. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { help: isAsked, fresh, ...values } = parse(args)
  if (isAsked) return undefined
  const seed = wholeNumber('seed', values.seed, 0, 2 ** 32 - 1)
  const exams = wholeNumber('exams', values.exams, 100, 10_000)
  const slots = wholeNumber('slots', values.slots, 2, 300)
  return { seed, exams, slots, fresh, out: resolve(values.out), file: `./data/swarm-${exams}-${slots}-${seed}.db` }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string', default: '1' },
        exams: { type: 'string', default: '2000' },
        slots: { type: 'string', default: '21' },
        out: { type: 'string', default: 'timetable.csv' },
        fresh: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\.\s/)
    throw new UsageError(sentence, { cause: error })
  }
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`--${option} takes a whole number from ${min} to ${max}, not '${text}'`)
}
