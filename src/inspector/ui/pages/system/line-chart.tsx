import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useThemeColours } from './theme-colours.ts'
import type { Columns } from './samples.ts'

export interface Line {
  readonly name: string
  /** Name of the token that colours it. */
  readonly colour: string
}

interface LineChartProps {
  readonly title: string
  readonly lines: readonly Line[]
  readonly columns: Columns
  readonly text: (value: number) => string
}

const HEIGHT = 160

const clock = (seconds: number): string => new Date(seconds * 1_000).toLocaleTimeString('en-GB')

/** Lines over time. Drawn on a canvas, so the latest values stand beside the title as text too. */
export function LineChart({ title, lines, columns, text }: LineChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const colours = useThemeColours()
  const latest = useRef({ columns, text })
  latest.current = { columns, text }
  const names = JSON.stringify(lines)

  useEffect(() => {
    const element = place.current
    if (!element) return
    const axis = { stroke: colours('--text-muted'), grid: { stroke: colours('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' }
    const made = new UPlot({
      width: Math.max(1, element.clientWidth), height: HEIGHT, legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, 1)] } },
      axes: [{ ...axis, size: 30, space: 80, values: (_plot, values) => values.map(clock) }, { ...axis, size: 58, values: (_plot, values) => values.map(value => latest.current.text(value)) }],
      series: [{}, ...(JSON.parse(names) as Line[]).map(({ name, colour }) => ({ label: name, stroke: colours(colour), width: 1.75, points: { show: false } }))],
    }, latest.current.columns as UPlot.AlignedData, element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(1, element.clientWidth), height: HEIGHT }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [names, colours])

  useEffect(() => {
    plot.current?.setData(columns as UPlot.AlignedData)
  }, [columns])

  return (
    <figure className="card chart">
      <figcaption>
        <h3>{title}</h3>
        <ul className="chart-legend">
          {lines.map(({ name, colour }, index) => {
            const value = columns[index + 1]?.at(-1)
            return (
              <li key={name}>
                <span className="swatch" style={{ background: `var(${colour})` }} />
                {name} <output>{typeof value === 'number' ? text(value) : '–'}</output>
              </li>
            )
          })}
        </ul>
      </figcaption>
      <div ref={place} className="chart-canvas" style={{ height: HEIGHT }} aria-hidden="true" />
    </figure>
  )
}
