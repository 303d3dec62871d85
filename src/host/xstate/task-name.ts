import type { AnyActorLogic, AnyActorRef } from 'xstate'
import { taskOf } from '../../core/task.ts'
import type { TaskDefinition } from '../../core/task.ts'
import { internals } from './internals.ts'
import { isMachine, kindOf } from './logic.ts'

/**
 * How a task is called outside its actor: the machine, then the names under which `setup({ actors })` knows the logic on the
 * way down: `order/charge`, or `order/payment/charge` for one of a machine inside.
 */
export const taskName = (machine: string, ref: AnyActorRef): string => [machine, ...sourcesOf(ref)].join('/')

function sourcesOf(ref: AnyActorRef): string[] {
  const parent = internals(ref)._parent as AnyActorRef | undefined
  return parent && 'logic' in parent ? [...sourcesOf(parent), String((ref as unknown as { src: unknown }).src)] : []
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
