import { readFileSync, readdirSync } from 'node:fs'
import type { JsonValue } from '../input/read-json.ts'
import { packageFolder } from '../version-of.ts'

export interface Template {
  readonly name: string
  readonly summary: string
  /** What is worth starting in it. */
  readonly start: { readonly machine: string; readonly key: string; readonly input?: JsonValue }
  /** Commands to go on with. */
  readonly then?: readonly string[]
}

const folder = (): URL => new URL('templates/', packageFolder())

/** Those that are most asked for come first. */
const FIRST = ['agent', 'machine', 'supervisor']

export function listTemplates(): readonly Template[] {
  const names = readdirSync(folder()).toSorted()
  return [...FIRST, ...names.filter(name => !FIRST.includes(name))].map(name => ({ ...(JSON.parse(readTemplate(name, 'template.json')) as Omit<Template, 'name'>), name }))
}

export const readTemplate = (name: string, file: string): string => readFileSync(new URL(`${name}/${file}`, folder()), 'utf8')
