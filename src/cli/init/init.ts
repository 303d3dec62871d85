import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { TroupeError } from '../../core/errors.ts'
import type { Call, Run } from '../command.ts'
import { firstCommands, projectFiles } from './project-files.ts'
import { listTemplates } from './templates.ts'
import type { Template } from './templates.ts'

interface Options {
  readonly template?: string
  readonly name?: string
  readonly list?: boolean
}

const DEFAULT = 'agent'

export const init: Run<Options> = async call => {
  const { args, options, out } = call
  const templates = listTemplates()
  if (options.list) return out.answer({ templates }, () => out.table(templates, [{ head: 'TEMPLATE', cell: ({ name }) => name }, { head: 'WHAT', cell: ({ summary }) => summary, min: 20 }]))
  const wishes = await ask(call, args[0], templates)
  if (!wishes) return 1
  const { folder, template } = wishes
  const path = resolve(folder)
  const name = options.name ?? nameOf(path)
  refuseTaken(path)
  mkdirSync(path, { recursive: true })
  const files = projectFiles(name, template)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  out.answer({ folder: path, name, template: template.name, files: Object.keys(files) }, () => {
    out.line(out.paint('green', '✔'), ' ', out.paint('bold', name), ` is in ${folder}: ${template.summary}.`)
    out.line('')
    out.line('Next:')
    for (const command of [...(folder === '.' ? [] : [`cd ${folder}`]), 'npm install', 'npm test', 'npm run dev']) out.line('  ', command)
    out.line('')
    out.line('Then, in another terminal there:')
    for (const command of firstCommands(template)) out.line('  npx ', command)
  })
  return undefined
}

interface Wishes {
  readonly folder: string
  readonly template: Template
}

/** A person at a terminal is asked for what was not said. */
async function ask({ options, out }: Call<Options>, folder: string | undefined, templates: readonly Template[]): Promise<Wishes | undefined> {
  const given = options.template === undefined ? undefined : templates.find(({ name }) => name === options.template)
  if (options.template !== undefined && !given) throw new TroupeError('usage/invalid', `there is no template '${options.template}': there are ${templates.map(({ name }) => name).join(', ')}`)
  if (!out.isTerminal || !process.stdin.isTTY || (folder !== undefined && given)) {
    if (folder === undefined) throw new TroupeError('usage/invalid', 'name the folder: troupe init my-crew')
    return { folder, template: given ?? (templates.find(({ name }) => name === DEFAULT) as Template) }
  }
  const prompts = await import('@clack/prompts')
  prompts.intro('troupe init')
  const chosenFolder = folder ?? (await prompts.text({ message: 'Where?', placeholder: './my-crew', defaultValue: './my-crew' }))
  if (typeof chosenFolder !== 'string') return undefined
  const name = given?.name ?? (await prompts.select({ message: 'What is it going to be?', options: templates.map(template => ({ value: template.name, label: template.name, hint: template.summary })) }))
  const template = templates.find(each => each.name === name)
  return template && { folder: chosenFolder, template }
}

/** Nothing that is there is written over. */
function refuseTaken(path: string): void {
  if (!existsSync(path)) return
  const found = readdirSync(path).filter(name => name !== '.git')
  if (found.length > 0) throw new TroupeError('usage/invalid', `${path} is not empty (${found.slice(0, 3).join(', ')}${found.length > 3 ? ', …' : ''}): name a new folder`)
}

const nameOf = (path: string): string => basename(path).toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-').replaceAll(/^[._-]+|-+$/g, '') || 'my-crew'
