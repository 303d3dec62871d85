import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RuntimeOptions } from '../create-runtime.ts'
import { TroupeError } from '../core/errors.ts'

/** What a config module exports: the options of `createRuntime` by their names, and those of the server. */
export interface Config extends Omit<RuntimeOptions, 'store'> {
  readonly store?: string
  readonly server?: Readonly<Record<string, unknown>>
}

const NAMES = ['troupe.config.ts', 'troupe.config.js', 'troupe.config.mjs'] as const
const KNOWN = ['machines', 'store', 'limits', 'queues', 'patterns', 'workers', 'journalMs', 'codec', 'onError', 'server'] as const

/** Path of the config: the one given, else that of this folder, if there is one. */
export const findConfig = (given: string | undefined): string | undefined => given ?? NAMES.find(name => existsSync(name))

/** Loads the config. Throws `config/invalid`, which says what is wrong with which file. */
export async function loadConfig(given: string | undefined): Promise<Config> {
  const path = findConfig(given)
  if (path === undefined) throw new TroupeError('config/invalid', `there is no ${NAMES.join(', ')} in ${process.cwd()}: make a project with \`troupe init\`, or name a module that exports machines with --config`)
  const bad = (why: string, cause?: unknown) => new TroupeError('config/invalid', `${path} ${why}`, { details: { path: resolve(path) }, cause })
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw bad('is not there')
  if (!stat.isFile()) throw bad(stat.isDirectory() ? 'is a folder: name a file in it' : 'is not a file')
  const module = await load(path, bad)
  const stray = Object.keys(module).find(name => !(KNOWN as readonly string[]).includes(name))
  if (typeof module['machines'] !== 'object' || module['machines'] === null) {
    throw bad(`exports no machines: write \`export const machines = { order }\`${stray === 'default' ? ' in place of the default export' : ''}`)
  }
  if (stray !== undefined) throw bad(`exports '${stray}', which is no option: there are ${KNOWN.join(', ')}`)
  if (module['store'] !== undefined && typeof module['store'] !== 'string') throw bad('exports a store that is no URL such as \'sqlite:./data/app.db\'')
  return module as unknown as Config
}

async function load(path: string, bad: (why: string, cause?: unknown) => TroupeError): Promise<Readonly<Record<string, unknown>>> {
  const { href } = pathToFileURL(resolve(path))
  try {
    return (await import(href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    if (error instanceof TroupeError) throw error
    throw bad(`cannot be loaded: ${reasonOf(error, href)}`, error)
  }
}

/** The message, and the place where Node names one: `file:line`, or the first frame outside Node. */
function reasonOf(error: unknown, url: string): string {
  if (!(error instanceof Error)) return String(error)
  const frame = /file:\/\/\S+?:\d+/.exec(error.stack ?? '')?.[0]
  const place = frame ?? /^(?:file:\/\/)?\/.*:\d+$/m.exec(error.stack ?? '')?.[0] ?? (error instanceof SyntaxError ? syntaxPlace(url) : undefined)
  return `${error.message}${place === undefined ? '' : ` (${place.replace('file://', '')})`}`
}

/** Node tells the place of a syntax error only to whom it ends by it. Nothing of the module has run, nor does it here. */
const syntaxPlace = (url: string): string | undefined => /^file:\/\/\S+:\d+$/m.exec(spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '--eval', `import ${JSON.stringify(url)}`], { encoding: 'utf8' }).stderr)?.[0]
