import ELK from 'elkjs/lib/elk.bundled.js'
import type { ElkNode } from 'elkjs/lib/elk-api.js'
import { expect, test } from 'vitest'
import type { ChartState, ChartTransition } from '../../../src/inspector/protocol.ts'
import { diagramOf } from '../../../src/inspector/ui/chart/diagram.ts'
import { roundedPath } from '../../../src/inspector/ui/chart/arrow-path.ts'
import { createSeededRandom } from '../../../src/testing/seeded-random.ts'

const CHARTS = 8
const seed = Number(process.env['TROUPE_SEED'] ?? Date.now() % 1e6)
const widthOf = (text: string): number => text.length * 7

/** A chart of up to four levels, with regions, and transitions from anywhere to anywhere: up, down, to itself and across. */
function randomChart(seedOfChart: number) {
  const random = createSeededRandom(seedOfChart)
  const below = (count: number): number => Math.floor(random.next() * count)
  const all: ChartState[] = []
  const grow = (path: string, depth: number): ChartState => {
    const count = depth === 0 || (depth < 4 && below(10) < 4) ? 1 + below(4) : 0
    const states = Array.from({ length: count }, (_, index) => grow(path === '' ? `s${index}` : `${path}.s${index}`, depth + 1))
    const isParallel = count > 1 && below(10) < 3
    const type = count === 0 ? 'atomic' : isParallel ? 'parallel' : 'compound'
    const state: ChartState = { id: path, key: path.split('.').at(-1) ?? '', path, type, initial: type === 'compound' ? (states[0]?.path ?? null) : null, history: null, description: null, tags: [], entry: [], exit: [], invoke: [], states }
    all.push(state)
    return state
  }
  const root = grow('', 0)
  const any = (): string => all[below(all.length)]?.path ?? ''
  const transitions = Array.from({ length: all.length * 2 }, (_, index): ChartTransition => ({ id: `t${index}`, source: any(), targets: [any()], event: `e${index}`, label: `event ${index}`, guard: null, actions: [], kind: 'event', reenter: false }))
  return { id: 'random', root, transitions }
}

interface Rectangle {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Boxes without others in them, and labels, where they are on the whole drawing. */
function placed(graph: ElkNode): readonly Rectangle[] {
  const visit = (node: ElkNode, x: number, y: number): readonly Rectangle[] => {
    const [left, top] = [x + (node.x ?? 0), y + (node.y ?? 0)]
    if (!node.children?.length) return [{ id: node.id, x: left, y: top, width: node.width ?? 0, height: node.height ?? 0 }]
    return node.children.flatMap(child => visit(child, left, top))
  }
  return visit(graph, 0, 0)
}

test(`random charts are laid out with no box on another (seed ${seed})`, async () => {
  const elk = new ELK.default()
  for (let index = 0; index < CHARTS; index++) {
    const { graph, boxes, arrows } = diagramOf(randomChart(seed + index), widthOf)
    const rectangles = placed(await elk.layout(graph))
    expect(rectangles.length, `seed ${seed + index}`).toBeGreaterThan(0)
    expect(boxes.size).toBeGreaterThan(1)
    const overlaps = rectangles.flatMap((a, at) => rectangles.slice(at + 1).filter(b => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height).map(b => `${a.id} on ${b.id}`))
    expect(overlaps, `seed ${seed + index}`).toEqual([])
    expect(arrows.size).toBeGreaterThan(0)
  }
}, 60_000)

test('transitions between the same two states share an arrow; those that stay are told in the box', () => {
  const chart = randomChart(1)
  const own = { id: 'x', source: 's0', targets: ['s0'], event: 'A', label: 'A', guard: 'isOk', actions: [], kind: 'event', reenter: true } as const
  const { arrows, boxes } = diagramOf({ ...chart, transitions: [{ ...own, targets: [...own.targets], actions: [] }, { ...own, id: 'y', label: 'after 60000 ms', guard: null, targets: ['s0'], actions: [] }, { ...own, id: 'z', targets: [], actions: ['note'] }] }, widthOf)
  expect([...arrows.values()]).toEqual([{ transitions: ['x', 'y'], lines: ['A [isOk]', 'after 1 min'] }])
  expect(boxes.get('state:s0')?.lines).toEqual(['A [isOk] / note'])
})

test('corners of arrows are round, and never rounder than the line is long', () => {
  expect(roundedPath([{ x: 0, y: 0 }, { x: 0, y: 100 }, { x: 50, y: 100 }])).toBe('M0 0L0 94Q0 100 6 100L50 100')
  expect(roundedPath([{ x: 0, y: 0 }, { x: 0, y: 4 }, { x: 4, y: 4 }])).toBe('M0 0L0 2Q0 4 2 4L4 4')
  expect(roundedPath([])).toBe('')
})
