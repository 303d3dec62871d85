import { svgOf } from './drawing.ts'
import { download } from './download.ts'
import { ganttDrawing } from './gantt-drawing.ts'
import { layOutGantt } from './gantt-layout.ts'
import { ganttMermaid, sequenceMermaid } from './mermaid.ts'
import { sequenceDrawing } from './sequence-drawing.ts'
import { layOutSequence } from './sequence-layout.ts'
import type { Timeline } from './sequence-layout.ts'

export type View = 'sequence' | 'gantt'

const GANTT_WIDTH = 1_600

interface ExportMenuProps {
  readonly address: string
  readonly timeline: Timeline
  readonly view: View
  readonly pixelsPerSecond: number
}

/** The diagram that is shown, whole, as a file. */
export function ExportMenu({ address, timeline, view, pixelsPerSecond }: ExportMenuProps) {
  const name = `${address.replaceAll(/[^\w.-]+/g, '-')}-${view}`
  const files = {
    SVG: () => download(`${name}.svg`, 'image/svg+xml', svgOf(view === 'gantt' ? ganttDrawing(layOutGantt(timeline.spans, Date.now()), GANTT_WIDTH) : sequenceDrawing(layOutSequence(timeline, pixelsPerSecond)), address)),
    Mermaid: () => download(`${name}.mmd`, 'text/plain', view === 'gantt' ? ganttMermaid(timeline, Date.now()) : sequenceMermaid(timeline)),
    JSON: () => download(`${name}.json`, 'application/json', `${JSON.stringify(timeline, null, 2)}\n`),
  }
  return (
    <div className="row" role="group" aria-label="Export">
      {Object.entries(files).map(([kind, save]) => (
        <button key={kind} type="button" onClick={save} title={`Download as ${kind}`}>
          {kind}
        </button>
      ))}
    </div>
  )
}
