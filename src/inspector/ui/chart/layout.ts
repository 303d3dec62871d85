import ELK from 'elkjs/lib/elk-api.js'
import type { ELK as Elk, ElkNode } from 'elkjs/lib/elk-api.js'
// The layout engine is large and busy: a file of its own, in a thread of its own, and only when a machine is drawn for the first time.
import workerUrl from 'elkjs/lib/elk-worker.min.js?url'
import type { Chart } from '../../protocol.ts'
import type { Point } from './arrow-path.ts'
import { diagramOf } from './diagram.ts'
import type { Arrow, Box } from './diagram.ts'
import { widthOf } from './text-width.ts'
import { recallGraph, rememberGraph } from './layout-cache.ts'

export interface PlacedBox extends Box {
  readonly id: string
  readonly parent: string | undefined
  /** Within its parent. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedArrow extends Arrow {
  readonly id: string
  readonly points: readonly Point[]
  readonly label: Point | undefined
}

export interface Layout {
  readonly boxes: readonly PlacedBox[]
  /** The dots at which composite states begin. */
  readonly starts: readonly { readonly id: string; readonly parent: string; readonly x: number; readonly y: number }[]
  readonly arrows: readonly PlacedArrow[]
}

let elk: Elk | undefined

/** Places what a chart draws; the same machine only once, in this browser. `hash` names the machine's structure. */
export async function layOut(chart: Chart, hash: string): Promise<Layout> {
  const { graph, boxes, arrows } = diagramOf(chart, widthOf)
  const text = JSON.stringify(graph)
  let placed = recallGraph(hash, text)
  if (!placed) {
    elk ??= new ELK({ workerFactory: () => new Worker(workerUrl) })
    const engine = elk
    // A layout engine of 100,000 lines has its bad days: boxes without arrows are better than nothing, and the list in words is whole.
    placed = await engine.layout(graph).catch(() => engine.layout({ ...graph, edges: [] }))
    rememberGraph(hash, text, placed)
  }
  return read(placed, boxes, arrows)
}

function read(graph: ElkNode, boxes: ReadonlyMap<string, Box>, arrows: ReadonlyMap<string, Arrow>): Layout {
  const placed: PlacedBox[] = []
  const starts: { id: string; parent: string; x: number; y: number }[] = []
  const visit = (node: ElkNode, parent: string | undefined): void => {
    const { id, x = 0, y = 0, width = 0, height = 0 } = node
    const box = boxes.get(id)
    if (box) placed.push({ ...box, id, parent, x, y, width, height })
    else if (parent !== undefined) starts.push({ id, parent, x, y })
    for (const child of node.children ?? []) visit(child, id)
  }
  for (const child of graph.children ?? []) visit(child, undefined)
  return { boxes: placed, starts, arrows: edgesOf(graph).map(edge => placeArrow(edge, arrows.get(edge.id))) }
}

type Edge = NonNullable<ElkNode['edges']>[number]

const edgesOf = (node: ElkNode): readonly Edge[] => [...(node.edges ?? []), ...(node.children ?? []).flatMap(edgesOf)]

function placeArrow({ id, sections = [], labels = [] }: Edge, arrow: Arrow = { transitions: [], lines: [] }): PlacedArrow {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
  const [label] = labels
  return { ...arrow, id, points, label: label && { x: (label.x ?? 0) + (label.width ?? 0) / 2, y: label.y ?? 0 } }
}
