import { queryText } from './query.ts'
import type { Figures } from './query.ts'

const [WIDTH, HEIGHT] = [760, 420]
const INSIDE = { left: 96, right: 40, top: 92, bottom: 56 }
const COLORS = { line: '#0f766e', area: '#99f6e4', text: '#1e293b', soft: '#64748b', grid: '#e2e8f0' }
const [plotWidth, plotHeight] = [WIDTH - INSIDE.left - INSIDE.right, HEIGHT - INSIDE.top - INSIDE.bottom]

export const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 1 })

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const fixed = (value: number): string => value.toFixed(1)
const text = (x: number, y: number, content: string, style = ''): string => `<text x="${fixed(x)}" y="${fixed(y)}" ${style}>${escape(content)}</text>`

/** Figures as an SVG: a line where they are months, bars where not. */
export function drawChart(title: string, figures: Figures): string {
  const isLine = figures.query.by === 'month' && figures.query.top === null
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, Helvetica, Arial, sans-serif" font-size="13" fill="${COLORS.text}">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="12" fill="#ffffff"/>`,
    text(32, 40, title, 'font-size="19" font-weight="600"'),
    text(32, 62, `${queryText(figures.query)}, from ${figures.file}`, `fill="${COLORS.soft}"`),
    ...(isLine ? drawLine(figures) : drawBars(figures)),
    '</svg>',
    '',
  ].join('\n')
}

function drawLine({ rows }: Figures): string[] {
  const { left, top } = INSIDE
  const steps = ticks(Math.max(...rows.map(({ value }) => value)))
  const most = steps.at(-1) ?? 1
  const x = (index: number): number => left + (rows.length < 2 ? plotWidth / 2 : (index / (rows.length - 1)) * plotWidth)
  const y = (value: number): number => top + plotHeight * (1 - value / most)
  const points = rows.map(({ value }, index) => `${fixed(x(index))},${fixed(y(value))}`).join(' ')
  const every = Math.ceil(rows.length / 8)
  return [
    ...steps.flatMap(step => [`<line x1="${left}" x2="${WIDTH - INSIDE.right}" y1="${fixed(y(step))}" y2="${fixed(y(step))}" stroke="${COLORS.grid}"/>`, text(left - 12, y(step) + 4, number(step), `text-anchor="end" fill="${COLORS.soft}"`)]),
    `<polygon points="${fixed(x(0))},${fixed(y(0))} ${points} ${fixed(x(rows.length - 1))},${fixed(y(0))}" fill="${COLORS.area}" fill-opacity="0.45"/>`,
    `<polyline points="${points}" fill="none" stroke="${COLORS.line}" stroke-width="2.5" stroke-linejoin="round"/>`,
    ...rows.map(({ name, value }, index) => `<circle cx="${fixed(x(index))}" cy="${fixed(y(value))}" r="3.5" fill="${COLORS.line}"><title>${escape(name)}: ${number(value)}</title></circle>`),
    ...rows.flatMap(({ name }, index) => (index % every === 0 ? [text(x(index), HEIGHT - INSIDE.bottom + 26, name, `text-anchor="middle" fill="${COLORS.soft}"`)] : [])),
  ]
}

const BAR_MAX = 44
const CHARACTER = 7.5

function drawBars({ rows }: Figures): string[] {
  const { top, right } = INSIDE
  const left = Math.min(WIDTH / 3, Math.max(INSIDE.left, 44 + CHARACTER * Math.max(...rows.map(({ name }) => name.length))))
  const most = Math.max(...rows.map(({ value }) => value), 1)
  const slot = plotHeight / rows.length
  const thick = Math.min(BAR_MAX, slot * 0.7)
  // Room for the figure beside the longest bar.
  const length = (value: number): number => Math.max(1, (Math.max(0, value) / most) * (WIDTH - left - right - 60))
  return rows.flatMap(({ name, value }, index) => {
    const middle = top + slot * (index + 0.5)
    return [
      text(left - 12, middle + 4, name, 'text-anchor="end"'),
      `<rect x="${fixed(left)}" y="${fixed(middle - thick / 2)}" width="${fixed(length(value))}" height="${fixed(thick)}" rx="4" fill="${COLORS.line}"/>`,
      text(left + length(value) + 10, middle + 4, number(value), `fill="${COLORS.soft}"`),
    ]
  })
}

/** Round numbers from 0 to at least the largest value, about five. */
function ticks(largest: number): readonly number[] {
  const rough = Math.max(largest, 1) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(size => size >= rough) ?? rough
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step)
}

const CELLS = 32

/** The same in characters, for a terminal or where no picture can be drawn. */
export function drawText({ rows }: Figures): string {
  const most = Math.max(...rows.map(({ value }) => value), 1)
  const widths = [Math.max(...rows.map(({ name }) => name.length)), Math.max(...rows.map(({ value }) => number(value).length))] as const
  return rows.map(({ name, value }) => `  ${name.padEnd(widths[0])}  ${number(value).padStart(widths[1])}  ${'█'.repeat(Math.round((Math.max(0, value) / most) * CELLS))}\n`).join('')
}
