import { nameOf } from './sequence-drawing.ts'
import { layOutSequence } from './sequence-layout.ts'
import type { Timeline } from './sequence-layout.ts'

/** Mermaid ends statements at `;` and comments at `#`; both are written as its entities. */
const plain = (text: string): string => text.replaceAll(/[#;]/g, character => `#${character.charCodeAt(0)};`).replaceAll(/\s+/g, ' ').trim() || '-'

/** In a gantt chart colons and commas part the fields, and nothing stands for them. */
const field = (text: string): string => plain(text).replaceAll(/[:,]/g, ' ')

const ARROWS: Readonly<Record<string, string>> = { failed: '-x', timer: '-->>', task: '-->>', child: '-->>', reply: '-->>', restart: '-->>' }

/** The messages of a run as a Mermaid sequence diagram. */
export function sequenceMermaid(timeline: Timeline): string {
  const { lanes, arrows } = layOutSequence(timeline, 0)
  const ids = new Map(lanes.map(({ address }, index) => [address, `a${index}`]))
  return [
    'sequenceDiagram',
    ...lanes.map(({ address }) => `  ${address === null ? 'actor' : 'participant'} ${ids.get(address)} as ${plain(nameOf(address))}`),
    ...arrows.map(({ message: { from, to, type, kind } }) => `  ${ids.get(from)}${ARROWS[kind] ?? '->>'}${ids.get(to)}: ${plain(type)}`),
    '',
  ].join('\n')
}

const LOOKS: Readonly<Record<Timeline['spans'][number]['outcome'], string>> = { done: 'done, ', failed: 'crit, ', open: 'active, ' }

/** States and tasks of a run as a Mermaid gantt chart. */
export function ganttMermaid({ spans }: Timeline, now: number): string {
  const byActor = Map.groupBy(spans, span => span.address)
  return [
    'gantt',
    '  dateFormat x',
    '  axisFormat %H:%M:%S',
    ...[...byActor].flatMap(([address, own]) => [
      `  section ${field(address)}`,
      ...own.map(({ kind, name, from, to, outcome, attempts }) => `    ${field(`${kind} ${name}`)}${attempts > 1 ? ` (${attempts} attempts)` : ''} :${LOOKS[outcome]}${Math.round(from)}, ${Math.round(Math.max(to ?? now, from + 1))}`),
    ]),
    '',
  ].join('\n')
}
