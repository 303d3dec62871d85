import type { AnyActorLogic, AnyStateMachine } from 'xstate'
import type { Drawing } from '../core/client/views.ts'
import { chartOf } from './chart.ts'
import type { KindOf } from './chart.ts'
import { statechart } from './statechart.ts'

/** Draws machines, each once; logic without states gives null. */
export function createDraw(kindOf: KindOf): (logic: AnyActorLogic) => Drawing | null {
  const drawn = new WeakMap<AnyActorLogic, Drawing>()
  return logic => {
    if (!('root' in logic)) return null
    const machine = logic as AnyStateMachine
    const drawing = drawn.get(logic) ?? { chart: chartOf(machine, kindOf), mermaid: statechart(machine) }
    drawn.set(logic, drawing)
    return drawing
  }
}
