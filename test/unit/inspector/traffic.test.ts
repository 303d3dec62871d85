import { expect, test } from 'vitest'
import type { AnyStateMachine } from 'xstate'
import { createMachine } from 'xstate'
import { chartOf } from '../../../src/graph/chart.ts'
import { trafficOf } from '../../../src/inspector/ui/pages/fleet/traffic.ts'

const edge = (source: string, target: string, event: string, count: number, errors = 0) => ({ source, target, event, count, errors })

/** Of each transition that was taken: from where, by what, to where, how often. */
function told(machine: AnyStateMachine, edges: Parameters<typeof trafficOf>[1]): readonly string[] {
  const chart = chartOf(machine, () => 'live')
  const byId = new Map(chart.transitions.map(transition => [transition.id, transition]))
  return trafficOf(chart, edges).map(({ id, count }) => {
    const { source, targets, label } = byId.get(id) ?? { source: '', targets: [], label: '' }
    return `${source} -${label}-> ${targets.join()} ×${count}`
  })
}

test('a transition of an outer state counts for all in it, and for nothing that is only called alike', () => {
  const machine = createMachine({
    id: 'm', initial: 'work',
    states: { work: { initial: 'a', on: { CANCEL: 'ended', NOTE: { actions: () => undefined } }, states: { a: { on: { NEXT: 'b' } }, b: {} } }, worker: {}, ended: {} },
  })
  expect(told(machine, [edge('work.a', 'ended', 'CANCEL', 2), edge('work.b', 'ended', 'CANCEL', 3), edge('work.a', 'work.b', 'NEXT', 7), edge('work.b', 'work.b', 'NOTE', 4), edge('worker', 'ended', 'CANCEL', 100)]))
    .toEqual(['work -CANCEL-> ended ×5', 'work.a -NEXT-> work.b ×7', 'work -NOTE->  ×4'])
})

test('what follows without an event counts too, and entering two regions is one transition', () => {
  const machine = createMachine({
    id: 'm', initial: 'paying',
    states: {
      paying: { initial: 'open', states: { open: { on: { PAY: 'charged' } }, charged: { type: 'final' } }, onDone: 'both' },
      both: { type: 'parallel', states: { left: { initial: 'l', states: { l: {} } }, right: { initial: 'r', states: { r: {} } } } },
    },
  })
  expect(told(machine, [edge('paying.open', 'both.left.l', 'PAY', 5), edge('paying.open', 'both.right.r', 'PAY', 5)]))
    .toEqual(['paying.open -PAY-> paying.charged ×5', 'paying -done-> both ×5'])
})
