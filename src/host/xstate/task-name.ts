import type { AnyActorLogic, AnyActorRef } from 'xstate'
import { taskOf } from '../../core/task.ts'
import type { TaskDefinition } from '../../core/task.ts'
import { internals } from './internals.ts'
import { isMachine, kindOf } from './logic.ts'

/**
 * How a task is called outside its actor: the machine, then the names under which `setup({ actors })` knows the logic on the
 * way down: `order/charge`, or `order/payment/charge` for one of a machine inside. Where a machine is met inside itself the
 * name begins again at it: what it knows has one name, however deep it is.
 */
export const taskName = (machine: string, ref: AnyActorRef): string => [machine, ...wayTo(ref).slice(1).map(({ source }) => source)].join('/')

interface Stop {
  readonly source: string
  readonly logic: AnyActorLogic
}

function wayTo(ref: AnyActorRef): readonly Stop[] {
  const { _parent: parent, logic } = internals(ref)
  const above = typeof parent === 'object' && parent !== null && 'logic' in parent ? wayTo(parent as unknown as AnyActorRef) : []
  const before = above.findIndex(stop => stop.logic === logic)
  return before < 0 ? [...above, { source: String((ref as unknown as { src: unknown }).src), logic }] : above.slice(0, before + 1)
}

/** The tasks of a machine and of the machines inside it, by name. */
export function tasksOf(machine: string, logic: AnyActorLogic): ReadonlyMap<string, TaskDefinition> {
  const tasks = new Map<string, TaskDefinition>()
  walk(machine, logic, tasks, new Set())
  return tasks
}

function walk(name: string, logic: AnyActorLogic, tasks: Map<string, TaskDefinition>, above: ReadonlySet<AnyActorLogic>): void {
  // A machine may know itself as a child.
  if (!isMachine(logic) || above.has(logic)) return
  for (const [source, child] of Object.entries(logic.implementations.actors)) {
    const inner = (typeof child === 'object' && child !== null && 'src' in child ? child.src : child) as AnyActorLogic
    if (typeof inner !== 'object' || inner === null) continue
    if (kindOf(inner) === 'task') tasks.set(`${name}/${source}`, taskOf(inner))
    else walk(`${name}/${source}`, inner, tasks, new Set([...above, logic]))
  }
}
