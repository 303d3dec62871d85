import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js'
import type { Chart, ChartState, ChartTransition } from '../../protocol.ts'
import { durationText } from '../parts/duration-text.ts'
import type { widthOf as WidthOf } from './text-width.ts'

/** A statechart as a graph that can be laid out: boxes with lines of text in them, and arrows with labels. */

/** What is drawn at a state, found by the id of its box. */
export interface Box {
  readonly state: ChartState
  readonly depth: number
  /** What it invokes and does, and what it handles without leaving. */
  readonly lines: readonly string[]
}

export interface Arrow {
  /** Transitions that it stands for: those between the same two states share one. */
  readonly transitions: readonly string[]
  readonly lines: readonly string[]
}

export interface Diagram {
  readonly graph: ElkNode
  readonly boxes: ReadonlyMap<string, Box>
  readonly arrows: ReadonlyMap<string, Arrow>
}

const TITLE_PX = 30
const LINE_PX = 18
const PADDING_PX = 14
const WIDTH_MIN_PX = 84
const LABEL_LINE_PX = 16
export const START_PX = 12
/** A line longer than this is cut; the whole text is in the list beside the drawing. */
const LINE_CHARS_MAX = 44

export const boxId = (path: string): string => `state:${path}`
export const startId = (path: string): string => `start:${path}`

const GRAPH_OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.spacing.nodeNodeBetweenLayers': '20',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '5',
  'elk.spacing.nodeSelfLoop': '14',
}

/** `widthOf` measures a line of text in pixels. */
export function diagramOf(chart: Chart, widthOf: typeof WidthOf): Diagram {
  const boxes = new Map<string, Box>()
  const inside = Map.groupBy(chart.transitions.filter(({ targets }) => targets.length === 0), ({ source }) => source)
  const starts: ElkExtendedEdge[] = []

  const nodeOf = (state: ChartState, depth: number): ElkNode => {
    const lines = [...linesOf(state), ...(inside.get(state.path) ?? []).map(transition => `${labelOf(transition)}${actionsOf(transition)}`)].map(cut)
    const id = boxId(state.path)
    boxes.set(id, { state, depth, lines })
    const width = Math.max(WIDTH_MIN_PX, widthOf(titleOf(state), 'title') + 2 * PADDING_PX + (state.tags.length > 0 ? 22 : 0), ...lines.map(line => widthOf(line, 'line') + 2 * PADDING_PX))
    const height = TITLE_PX + lines.length * LINE_PX + (lines.length > 0 ? 8 : 4)
    if (state.states.length === 0) return { id, width, height }
    const children = state.states.map(child => nodeOf(child, depth + 1))
    if (state.initial !== null) {
      children.unshift({ id: startId(state.path), width: START_PX, height: START_PX })
      starts.push({ id: `${startId(state.path)}>`, sources: [startId(state.path)], targets: [boxId(state.initial)] })
    }
    return { id, children, layoutOptions: { ...GRAPH_OPTIONS, 'elk.padding': `[top=${height + 14},left=18,bottom=18,right=18]`, 'elk.nodeSize.constraints': 'MINIMUM_SIZE', 'elk.nodeSize.minimum': `(${width},${height})` } }
  }

  const root = nodeOf(chart.root, 0)
  const { arrows, edges } = arrowsOf(chart.transitions, widthOf)
  return { graph: { id: 'diagram', layoutOptions: GRAPH_OPTIONS, children: [root], edges: [...starts, ...edges] }, boxes, arrows }
}

function arrowsOf(transitions: readonly ChartTransition[], widthOf: typeof WidthOf): { readonly arrows: ReadonlyMap<string, Arrow>; readonly edges: ElkExtendedEdge[] } {
  const between = Map.groupBy(transitions.flatMap(transition => transition.targets.map(target => ({ transition, target }))), ({ transition, target }) => JSON.stringify([transition.source, target]))
  const arrows = new Map<string, Arrow>()
  const edges = [...between.values()].flatMap((same, index): readonly ElkExtendedEdge[] => {
    const [first] = same
    if (!first) return []
    const lines = same.map(({ transition }) => cut(labelOf(transition)))
    const id = `arrow:${index}`
    arrows.set(id, { transitions: same.map(({ transition }) => transition.id), lines })
    const label = { id: `${id}:label`, text: lines.join('\n'), width: Math.max(...lines.map(line => widthOf(line, 'label'))) + 8, height: lines.length * LABEL_LINE_PX }
    return [{ id, sources: [boxId(first.transition.source)], targets: [boxId(first.target)], labels: [label] }]
  })
  return { arrows, edges }
}

export const titleOf = ({ key, type, history }: ChartState): string => (type === 'history' ? (history === 'deep' ? 'H*' : 'H') : key)

const linesOf = ({ invoke, entry, exit }: ChartState): readonly string[] => [
  ...invoke.map(({ src, machine }) => `⚙ ${machine ?? src}`),
  ...(entry.length > 0 ? [`entry / ${entry.join(', ')}`] : []),
  ...(exit.length > 0 ? [`exit / ${exit.join(', ')}`] : []),
]

export const labelOf = ({ label, guard }: ChartTransition): string => (guard === null ? readable(label) : `${readable(label)} [${guard}]`)
const readable = (label: string): string => label.replace(/^after (\d+) ms$/, (_, ms: string) => `after ${durationText(Number(ms))}`)
const actionsOf = ({ actions }: ChartTransition): string => (actions.length > 0 ? ` / ${actions.join(', ')}` : '')
const cut = (line: string): string => (line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 1)}…` : line)
