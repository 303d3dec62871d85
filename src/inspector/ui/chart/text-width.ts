const fonts = { title: '600 13px', line: '12px', label: '12px' } as const

let brush: CanvasRenderingContext2D | null | undefined

/** Width of a line in the drawing's fonts (chart.css), in pixels. */
export function widthOf(text: string, font: keyof typeof fonts): number {
  brush ??= document.createElement('canvas').getContext('2d')
  if (!brush) return text.length * 8
  const family = getComputedStyle(document.documentElement).getPropertyValue('--font')
  brush.font = `${fonts[font]} ${family}`
  return Math.ceil(brush.measureText(text).width)
}
