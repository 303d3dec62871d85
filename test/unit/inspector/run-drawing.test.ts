import { describe, expect, it } from 'vitest'
import { fit, fitAddress, svgOf } from '../../../src/inspector/ui/pages/run/drawing.ts'
import { durationText } from '../../../src/inspector/ui/parts/duration-text.ts'
import { ganttDrawing } from '../../../src/inspector/ui/pages/run/gantt-drawing.ts'
import { layOutGantt, ticks } from '../../../src/inspector/ui/pages/run/gantt-layout.ts'
import type { Span } from '../../../src/inspector/ui/pages/run/gantt-layout.ts'
import { ganttMermaid, sequenceMermaid } from '../../../src/inspector/ui/pages/run/mermaid.ts'
import { sequenceDrawing } from '../../../src/inspector/ui/pages/run/sequence-drawing.ts'
import { arrowsBetween, layOutSequence } from '../../../src/inspector/ui/pages/run/sequence-layout.ts'
import type { Message } from '../../../src/inspector/ui/pages/run/sequence-layout.ts'

const message = (at: number, from: string | null, to: string, type: string, kind = 'event', seq = 1): Message => ({ at, from, to, type, seq, kind })
const span = (name: string, from: number, to: number | null, more: Partial<Span> = {}): Span => ({ address: 'order/1', kind: 'state', name, from, to, outcome: to === null ? 'open' : 'done', attempts: 1, ...more })

const messages = [message(1_000, null, 'order/1', 'PAY'), message(1_001, 'order/1', 'bank/7', 'CHARGE'), message(61_001, 'bank/7', 'order/1', 'CHARGED', 'reply', 2), message(61_002, 'order/1', 'order/1', 'xstate.after.5', 'timer', 3)]
const run = { actors: [], messages, spans: [], isWhole: true }

describe('sequence diagram', () => {
  it('has a lane for the outside and for each actor, in the order in which they have part', () => {
    expect(layOutSequence(run, 0).lanes.map(lane => lane.address)).toEqual([null, 'order/1', 'bank/7'])
  })

  it('keeps messages apart, in their order, at every zoom', () => {
    for (const zoom of [0, 1, 64, 1_024]) {
      const { arrows } = layOutSequence({ actors: [], messages: messages.toReversed() }, zoom)
      expect(arrows.map(arrow => arrow.message.type)).toEqual(['PAY', 'CHARGE', 'CHARGED', 'xstate.after.5'])
      for (const [index, arrow] of arrows.entries()) expect(arrow.y - (arrows[index - 1]?.y ?? 0)).toBeGreaterThanOrEqual(20)
    }
  })

  it('draws time to scale, and writes it where it would leave the page empty', () => {
    const { arrows } = layOutSequence(run, 1)
    expect(arrows[2]?.pauseMs).toBeNull()
    expect((arrows[2]?.y ?? 0) - (arrows[1]?.y ?? 0)).toBeCloseTo(26 + 60)
    expect(layOutSequence(run, 64).arrows[2]?.pauseMs).toBe(60_000)
  })

  it('finds what is on the screen among 10,000 messages', () => {
    const layout = layOutSequence({ actors: [], messages: Array.from({ length: 10_000 }, (_, index) => message(index, 'a/1', 'b/1', `M${index}`)) }, 0)
    const seen = arrowsBetween(layout, 26 * 5_000, 26 * 5_010)
    expect(seen.map(arrow => arrow.message.type)).toEqual(Array.from({ length: 10 }, (_, index) => `M${4_999 + index}`))
  })

  it('becomes an SVG file that no name can break', () => {
    const svg = svgOf(sequenceDrawing(layOutSequence({ actors: [], messages: [message(1, null, 'a/<script>&"', 'T\u0001')] }, 0)), '<run>')
    expect(svg).toContain('&lt;script&gt;&amp;&quot;')
    for (const raw of ['<script', '\u0001', '<run>']) expect(svg).not.toContain(raw)
  })

  it('becomes a Mermaid diagram', () => {
    expect(sequenceMermaid({ ...run, messages: [...messages, message(70_000, 'bank/7', 'order/1', 'a;b#c', 'failed')] })).toBe([
      'sequenceDiagram', '  actor a0 as outside', '  participant a1 as order/1', '  participant a2 as bank/7',
      '  a0->>a1: PAY', '  a1->>a2: CHARGE', '  a2-->>a1: CHARGED', '  a1-->>a1: xstate.after.5', '  a2-xa1: a#59;b#35;c', '',
    ].join('\n'))
  })
})

describe('gantt chart', () => {
  it('puts spans that overlap on lines of their own, and states before tasks', () => {
    const { groups, lines, from, to } = layOutGantt([span('a', 0, 10), span('b', 5, 20), span('c', 10, null), span('t', 1, 4, { kind: 'task' }), span('z', 3, 9, { address: 'bank/7' })], 30)
    expect(groups.map(group => [group.address, group.line, group.bars.map(bar => [bar.span.name, bar.line])])).toEqual([
      ['order/1', 0, [['a', 1], ['b', 2], ['c', 1], ['t', 3]]],
      ['bank/7', 4, [['z', 5]]],
    ])
    expect({ lines, from, to }).toEqual({ lines: 6, from: 0, to: 30 })
  })

  it('marks round times that stand far enough apart', () => {
    expect(ticks({ from: 0, to: 10_000 }, 1_000)).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000])
    expect(ticks({ from: 0, to: 400 * 86_400_000 }, 500).length).toBeLessThan(7)
  })

  it('says what failed and how often it was tried, in both files', () => {
    const spans = [span('charge: card', 0, 900, { kind: 'task', outcome: 'failed', attempts: 3 }), span('idle', 5, null)]
    expect(svgOf(ganttDrawing(layOutGantt(spans, 1_000), 800), 'run')).toContain('✕ charge: card · 3 attempts')
    expect(ganttMermaid({ ...run, spans }, 1_000)).toBe(['gantt', '  dateFormat x', '  axisFormat %H:%M:%S', '  section order/1', '    task charge  card (3 attempts) :crit, 0, 900', '    state idle :active, 5, 1000', ''].join('\n'))
  })

  it('is empty without spans', () => expect(layOutGantt([], 5)).toEqual({ groups: [], lines: 0, from: 5, to: 6 }))
})

it('cuts addresses so that the actors of a run can be told apart', () => {
  expect(fitAddress('reader/study/retries>work-0/member/work-1/member#5', 148)).toBe('reader/…work-1/member#5')
  expect(fitAddress('order/1', 148)).toBe('order/1')
})

it('cuts text that has no room', () => expect([fit('short', 100), fit('much too long for it', 64)]).toEqual(['short', 'much too …']))

it.each([[0, '0 ms'], [340, '340 ms'], [1_240, '1.2 s'], [42_000, '42 s'], [59_960, '1 min'], [200_000, '3 min 20 s'], [3_600_000, '1 h'], [187_200_000, '2 d 4 h'], [-5, '−5 ms']])('says %i ms as %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})
