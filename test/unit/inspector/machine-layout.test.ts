import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ELK from 'elkjs/lib/elk.bundled.js'
import type { AnyActorLogic } from 'xstate'
import { afterAll, expect, test } from 'vitest'
import { coordinator } from '../../../examples/01-review-crew/coordinator.ts'
import { lookAlikes } from '../../../examples/01-review-crew/look-alikes/swarm.ts'
import { createReviewer } from '../../../examples/01-review-crew/reviewer.ts'
import { createOrder } from '../../../examples/03-order/order.ts'
import { Shop } from '../../../examples/03-order/shop.ts'
import { createDesk } from '../../../examples/04-support-desk/desk.ts'
import { Documents } from '../../../examples/05-research/documents.ts'
import { createStudy } from '../../../examples/05-research/study.ts'
import { createReport } from '../../../examples/07-pipeline/report.ts'
import { Agency } from '../../../examples/08-trip-saga/agency.ts'
import { createTrip } from '../../../examples/08-trip-saga/trip.ts'
import { createDraw } from '../../../src/graph/drawing.ts'
import { diagramOf } from '../../../src/inspector/ui/chart/diagram.ts'
import { pages } from '../../support/docs/pages.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-layout-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const machines: Readonly<Record<string, AnyActorLogic>> = {
  ...pages,
  'review-crew/coordinator': coordinator,
  'review-crew/look-alikes': lookAlikes,
  'review-crew/reviewer': createReviewer(async () => ({ text: '', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } })),
  order: createOrder(new Shop(join(folder, 'shop.jsonl'))),
  ...(await createDesk(join(folder, 'desk.jsonl'))),
  ...(await createStudy(new Documents(join(import.meta.dirname, '../../../docs')), 1)),
  report: await createReport({ csv: '', backup: '', broken: undefined, paceMs: 1 }),
  trip: createTrip(new Agency(join(folder, 'agency.jsonl'), { fails: undefined, stuck: undefined, paceMs: 1 })),
}

const elk = new ELK.default()
const draw = createDraw(() => 'task')
const widthOf = (text: string): number => text.length * 7

// Where the engine gives up, the page draws boxes without arrows: no machine of ours may be one of those.
test.for(Object.entries(machines))('%s is laid out with all its arrows', async ([name, machine]) => {
  const drawing = draw(machine)
  if (!drawing) throw new Error(`${name} has no states`)
  const { graph, boxes, arrows } = diagramOf(drawing.chart, widthOf)
  const { edges = [] } = await elk.layout(graph)
  expect(edges.length).toBe(graph.edges?.length)
  expect(boxes.size).toBeGreaterThan(1)
  expect(edges.filter(({ sections = [] }) => sections.length === 0).map(({ id }) => arrows.get(id)?.lines ?? id)).toEqual([])
})
