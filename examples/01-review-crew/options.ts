import { createHash } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { CrewInput } from './coordinator.ts'
import { defaultSettings } from './settings.ts'
import type { Settings } from './settings.ts'

export interface Options {
  readonly input: CrewInput
  /** Key of the run: one per folder. */
  readonly key: string
  readonly settings: Settings
  readonly store: string
  /** Processes that share the work; 0 for this one alone. */
  readonly workers: number
  /** Whether the user named the store. */
  readonly isStoreNamed: boolean
  readonly fresh: boolean
}

/** What is wrong with the command line, in one sentence. */
export class UsageError extends Error {}

export const help = `Reviews a folder of TypeScript and JavaScript with a crew of durable agents: one reviewer per file, whose lead gives the
file to specialists for structure, correctness, tests and docs. You are asked before the report is written.

  npm start -- [folder] [options]        without a folder: this repository's sources

  --yes             write the report without asking
  --concurrency N   reviewers at work at the same time (default 4, or 4 for each worker)
  --deadline S      report what is done S seconds after the first start (default: a week)
  --out FILE        where the report goes (default report.md)
  --fresh           start over instead of going on
  --flaky           let tasks fail now and then, to see them tried again
  --pace MS         let every task take at least MS milliseconds, to watch it or to kill it
  --store URL       where the run is kept, such as sqlite:./run.db or memory: (default sqlite:./data/review-crew….db)
  --store redis://localhost:6379
                    the same by several processes, which share the work; kill any of them
  --workers N       how many, with a store on Redis (default 3)
  --audit FILE      note every attempt of a task, and every file that is done
  --help            this text

Kill it whenever you like, with Ctrl-C or kill -9: the same command goes on where it was. Started twice at the same time,
both show the same run, and one takes over when the other is killed. With workers on Redis kill any of them: the others
finish the review. None is started again; when all are gone, the same command goes on.

The agents follow rules and need no network. For a real model at an endpoint that speaks OpenAI's protocol:
  TROUPE_MODEL_URL=http://localhost:11434/v1 TROUPE_MODEL=qwen3 npm start -- src/core    # and TROUPE_API_KEY where it wants one`

const REPOSITORY = resolve(import.meta.dirname, '../..')

/** Reads the command line; undefined asks for help. Throws `UsageError`. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`)
  const [given] = positionals
  const folder = given === undefined ? REPOSITORY : resolve(given)
  checkFolder(folder)
  const key = keyOf(folder)
  const { concurrency, deadline, pace, audit } = values
  const store = storeOf(values.store) ?? `sqlite:./data/review-crew${given === undefined ? '' : `-${key}`}.db`
  const workers = workersOf(store, values.workers)
  return {
    input: { folder, within: given === undefined ? ['src', 'machines', 'patterns', 'examples'] : [] },
    key,
    store,
    workers,
    isStoreNamed: values.store !== undefined,
    fresh: values.fresh,
    settings: {
      concurrency: concurrency === undefined ? defaultSettings.concurrency * Math.max(1, workers) : wholeNumber('concurrency', concurrency, 1, 100),
      deadlineMs: deadline === undefined ? defaultSettings.deadlineMs : wholeNumber('deadline', deadline, 1, 31_536_000) * 1000,
      flaky: values.flaky,
      yes: values.yes,
      paceMs: pace === undefined ? defaultSettings.paceMs : wholeNumber('pace', pace, 0, 60_000),
      out: resolve(values.out ?? defaultSettings.out),
      audit: audit === undefined ? null : resolve(audit),
    },
  }
}

/** A name that is one per folder, and says which. */
function keyOf(folder: string): string {
  const name = basename(folder).replaceAll(/[^A-Za-z0-9_.-]/g, '-').slice(0, 40)
  return `${name}-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        concurrency: { type: 'string' },
        deadline: { type: 'string' },
        out: { type: 'string' },
        fresh: { type: 'boolean', default: false },
        flaky: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        pace: { type: 'string' },
        store: { type: 'string' },
        workers: { type: 'string' },
        audit: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\.\s/)
    throw new UsageError(sentence, { cause: error })
  }
}

/** On a Redis that others use too, the reviews have keys of their own, and partitions for each of nine workers. */
const storeOf = (url: string | undefined): string | undefined => (url !== undefined && isRedis(url) && !url.includes('?') ? `${url}?prefix=review-crew&partitions=64` : url)

export const isRedis = (url: string): boolean => /^rediss?:/.test(url)

const WORKERS_MAX = 9

function workersOf(store: string, given: string | undefined): number {
  if (isRedis(store)) return given === undefined ? 3 : wholeNumber('workers', given, 1, WORKERS_MAX)
  if (given === undefined) return 0
  throw new UsageError('--workers needs a store that processes share: --store redis://localhost:6379')
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new UsageError(`--${option} takes a whole number from ${min} to ${max}, not '${text}'`)
}

function checkFolder(folder: string): void {
  try {
    if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is not a folder`)
    accessSync(folder, constants.R_OK | constants.X_OK)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UsageError(isMissing ? `there is no folder ${folder}` : `the folder ${folder} cannot be read`, { cause: error })
  }
}
