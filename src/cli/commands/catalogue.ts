import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { laidOut } from '../output/views.ts'

interface Options {
  readonly capability?: string
}

const wanted = ({ capability }: Options) => (capability === undefined ? {} : { capability })
const text = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : '')

export const agents: Run<Options> = async ({ options, out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.listAgents(wanted(options), { signal })
  out.answer(found, () => {
    if (found.agents.length === 0) return out.note('No agent is registered that fits.')
    out.table(found.agents, [
      { head: 'AGENT', cell: ({ machine }) => machine }, { head: 'MODEL', cell: item => text(item['model']) || '–' }, { head: 'TOOLS', cell: item => text(item['tools']) || '–' },
      { head: 'CAN', cell: ({ capabilities }) => capabilities.join(', ') || '–' }, { head: 'ABOUT', cell: ({ description }) => description ?? '', min: 10 },
    ])
  })
}

export const patterns: Run<Options> = async ({ options, out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.listPatterns(wanted(options), { signal })
  out.answer(found, () => {
    if (found.patterns.length > 0) {
      out.table(found.patterns, [
        { head: 'PATTERN', cell: ({ machine }) => machine }, { head: 'KIND', cell: ({ name }) => name }, { head: 'MEMBERS', cell: ({ members }) => members.join(', ') || '–', min: 10 }, { head: 'ABOUT', cell: ({ description }) => description ?? '', min: 10 },
      ])
    } else out.note('No pattern is registered that fits.')
    if (found.definitions.length === 0) return
    out.line('')
    out.table(found.definitions, [{ head: 'CAN BE BUILT', cell: ({ name }) => name }, { head: 'VERSION', cell: ({ version }) => version }, { head: 'ABOUT', cell: ({ description }) => description, min: 10 }])
  })
}

export const pattern: Run = async ({ args: [name = ''], out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.listPatterns({}, { signal })
  const item = found.patterns.find(each => each.machine === name || each.name === name) ?? found.definitions.find(each => each.name === name)
  if (!item) throw new TroupeError('machine/unknown', `there is no pattern '${name}': there are ${[...found.patterns.map(({ machine }) => machine), ...found.definitions.map(each => each.name)].join(', ') || 'none'}`)
  out.answer(item, () => out.block(laidOut(item)))
}
