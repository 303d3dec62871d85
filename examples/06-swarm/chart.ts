const BARS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
const EIGHTHS = 8

/** Values from left to right as bars, with the largest one at the axis. Where there are more than fit, each bar is the largest of some. */
export function drawChart(values: readonly number[], width: number, height: number): readonly string[] {
  const bars = squeeze(values, Math.max(1, width))
  const top = Math.max(1, ...bars)
  const label = top.toLocaleString('en')
  return Array.from({ length: height }, (_, row) => {
    const below = (height - 1 - row) * EIGHTHS
    const cells = bars.map(value => {
      // What is not nothing is seen.
      const eighths = value === 0 ? 0 : Math.max(1, Math.round((value / top) * height * EIGHTHS))
      return BARS[Math.min(EIGHTHS, Math.max(0, eighths - below))] || ' '
    })
    const axis = row === 0 ? `${label} ┤` : row === height - 1 ? `${'0'.padStart(label.length)} ┤` : `${''.padStart(label.length)} │`
    return `${axis}${cells.join('')}`.trimEnd()
  })
}

function squeeze(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values
  return Array.from({ length: width }, (_, bar) => Math.max(...values.slice(Math.floor((bar * values.length) / width), Math.floor(((bar + 1) * values.length) / width))))
}
