/** What is drawn, apart from how: the page shows shapes as elements, an export as text. Lengths in pixels. */
export interface Shape {
  readonly key: string
  readonly tag: 'line' | 'rect' | 'text' | 'path'
  readonly className: string
  readonly attributes: Readonly<Record<string, string | number>>
  readonly text?: string
  /** Shown when pointed at, and read aloud. */
  readonly title?: string
  /** Where a click leads. */
  readonly href?: string
}

export interface Drawing {
  readonly width: number
  readonly height: number
  readonly shapes: readonly Shape[]
}

/** Mean width of a character of the diagrams' 11 px type, taken on the large side. */
const CHARACTER_WIDTH = 6.4

/** As much of a text as there is room for. */
export function fit(text: string, width: number): string {
  const characters = Math.max(1, Math.floor(width / CHARACTER_WIDTH))
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
}

/** As much of an address as there is room for: the machine, and the end, in which the actors of a run differ. */
export function fitAddress(address: string, width: number): string {
  const characters = Math.floor(width / CHARACTER_WIDTH)
  const head = address.slice(0, address.indexOf('/') + 1)
  if (address.length <= characters || head.length > characters - 4) return fit(address, width)
  return `${head}…${address.slice(head.length + 1 - characters)}`
}

export const line = (key: string, className: string, x1: number, y1: number, x2: number, y2: number): Shape => ({ key, tag: 'line', className, attributes: { x1, y1, x2, y2 } })

export const label = (key: string, className: string, x: number, y: number, text: string): Shape => ({ key, tag: 'text', className, attributes: { x, y }, text })

/** Colours of an exported file, which has no page around it: readable on white. */
const EXPORT_STYLE = `
  .drawing { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1b1f24; }
  .lane-line, .tick-line { stroke: #d0d7de; stroke-dasharray: 3 3; }
  .lane-box { fill: #f6f8fa; stroke: #d0d7de; }
  .lane-name, .center { text-anchor: middle; }
  .end { text-anchor: end; }
  .quiet { fill: #57606a; }
  .stroke { fill: none; stroke: #0b62c4; stroke-width: 1.5; }
  .head { fill: #0b62c4; }
  .stroke.is-dashed { stroke-dasharray: 4 3; }
  .is-failed.stroke { stroke: #b42318; } .is-failed.head, text.is-failed { fill: #b42318; }
  .bar { fill: #9cc4f2; } .bar.is-task { fill: #b9a5ee; } .bar.is-failed { fill: #f2a39b; } .bar.is-open { stroke: #0b62c4; stroke-dasharray: 3 2; }
`

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }

// XML 1.0 has no way to write control characters.
// eslint-disable-next-line no-control-regex
const escape = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd').replaceAll(/[&<>"']/g, character => entities[character] ?? character)

const elementOf = ({ tag, className, attributes, text = '', title }: Shape): string => {
  const all = Object.entries({ class: className, ...attributes }).map(([name, value]) => ` ${name}="${escape(String(value))}"`).join('')
  return `<${tag}${all}>${title === undefined ? '' : `<title>${escape(title)}</title>`}${escape(text)}</${tag}>`
}

/** The text of an SVG file that looks the same everywhere. */
export const svgOf = ({ width, height, shapes }: Drawing, title: string): string => [
  `<svg xmlns="http://www.w3.org/2000/svg" class="drawing" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
  `<title>${escape(title)}</title>`,
  `<style>${EXPORT_STYLE}</style>`,
  `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ...shapes.map(elementOf),
  '</svg>',
  '',
].join('\n')
