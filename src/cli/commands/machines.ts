import type { OutputOf } from '../../core/client/client.ts'
import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { chartLines } from '../output/chart-lines.ts'
import { laidOut } from '../output/views.ts'

type Machine = OutputOf<'machine'>

export const list: Run = async ({ out, signal, client: connect }) => {
  const client = await connect()
  const found = await client.listMachines({}, { signal })
  out.answer(found, () => {
    if (found.machines.length === 0) return out.note('No machine is registered.')
    out.table(found.machines, [
      { head: 'MACHINE', cell: ({ name }) => name }, { head: 'VERSION', cell: ({ version }) => version || '–' }, { head: 'KIND', cell: ({ kind, catalogue }) => catalogue?.kind ?? kind },
      { head: 'MEMBERS', cell: ({ members }) => members.join(', ') || '–', min: 8 }, { head: 'ABOUT', cell: ({ catalogue }) => catalogue?.description ?? '', min: 8 },
    ])
  })
}

export const show: Run = async ({ args: [name = ''], out, signal, client: connect }) => {
  const client = await connect()
  const machine = await client.machine({ name }, { signal })
  out.answer(machine, () => {
    const { version, hash, kind, catalogue, members, events } = machine
    out.line(out.paint('bold', machine.name), version === '' ? '' : ` version ${version}`, '  ', catalogue?.kind ?? kind, '  ', out.paint('dim', hash))
    if (catalogue?.description !== undefined) out.line(catalogue.description)
    if (members.length > 0) out.line(out.paint('dim', 'members '), members.join(', '))
    for (const { type, jsonSchema } of events) out.line(out.paint('dim', 'event   '), type, jsonSchema ? `  ${fieldsOf(jsonSchema)}` : '')
    tellChart(machine, line => out.line(line))
  })
}

export const diagram: Run<{ readonly format?: string }> = async ({ args: [name = ''], options: { format = 'text' }, out, signal, client: connect }) => {
  const client = await connect()
  const machine = await client.machine({ name }, { signal })
  const { mermaid, chart } = machine
  if (mermaid === null) throw new TroupeError('machine/invalid', `${name} is logic without states: there is nothing to draw`)
  if (out.json) out.document({ name, mermaid, chart })
  else if (format === 'mermaid') out.block(mermaid)
  else tellChart(machine, line => out.line(line))
}

function tellChart({ chart }: Machine, tell: (line: string) => void): void {
  if (chart) for (const line of chartLines(chart)) tell(line)
}

function fieldsOf(schema: Readonly<Record<string, unknown>>): string {
  const { properties } = schema
  return typeof properties === 'object' && properties !== null ? `{ ${Object.keys(properties).join(', ')} }` : laidOut(schema)
}
