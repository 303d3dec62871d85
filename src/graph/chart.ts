import type { AnyActorLogic, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { Chart, ChartState } from '../core/client/views.ts'
import { remoteMachineOf } from '../core/remote.ts'
import { INLINE, actionNames, childrenOf, eventName, guardName, nodesUnder, ownEvent, transitionsOf } from './nodes.ts'

type ChartInvoke = ChartState['invoke'][number]
type ChartTransition = Chart['transitions'][number]

/** What kind of work a logic is, as the host has it. */
export type KindOf = (logic: AnyActorLogic) => 'pure' | 'task' | 'remote' | 'live'

/** A machine as data to be drawn: its states, each under the path that it has in `states` of an actor, and all transitions between them. */
export function chartOf(machine: AnyStateMachine, kindOf: KindOf): Chart {
  const nodes = [machine.root, ...nodesUnder(machine.root)]
  return { id: machine.id, root: stateOf(machine.root, kindOf), transitions: nodes.flatMap(node => transitionsOf(node).map(transitionOf)) }
}

const pathOf = ({ path }: AnyStateNode): string => path.join('.')

function stateOf(node: AnyStateNode, kindOf: KindOf): ChartState {
  const { id, key, type, description, tags, entry, exit } = node
  const [initial] = type === 'compound' ? node.initial.target : []
  return {
    id, key, path: pathOf(node), type,
    initial: initial ? pathOf(initial) : null,
    history: type === 'history' ? node.history || 'shallow' : null,
    description: description ?? null,
    tags: [...tags],
    entry: [...actionNames(entry)], exit: [...actionNames(exit)],
    invoke: node.invoke.map((_, index) => invokeOf(node, index, kindOf)),
    states: childrenOf(node).map(child => stateOf(child, kindOf)),
  }
}

function invokeOf(node: AnyStateNode, index: number, kindOf: KindOf): ChartInvoke {
  const { id, src } = node.invoke[index] as { readonly id: string; readonly src: string }
  const logic = invokedLogic(node, index)
  const kind = logic && kindOf(logic)
  return {
    id, src: src.startsWith('xstate.invoke') ? INLINE : src,
    kind: kind === 'task' || kind === 'remote' ? kind : logic && 'root' in logic ? 'machine' : 'logic',
    machine: (logic && remoteMachineOf(logic)) ?? null,
  }
}

/** XState gives an inline logic a name and keeps it in the state's config only. */
function invokedLogic({ config, machine }: AnyStateNode, index: number): AnyActorLogic | undefined {
  const invoked = [(config as { readonly invoke?: unknown }).invoke].flat()[index] as { readonly src: string | AnyActorLogic } | undefined
  const logic: unknown = typeof invoked?.src === 'string' ? machine.implementations.actors[invoked.src] : invoked?.src
  return typeof logic === 'object' && logic !== null && 'transition' in logic ? (logic as AnyActorLogic) : undefined
}

function transitionOf(transition: AnyTransitionDefinition, index: number): ChartTransition {
  const { eventType, source, target, guard, actions, reenter } = transition
  const path = pathOf(source)
  return {
    id: `${path}#${index}`, source: path,
    targets: (target ?? []).map(pathOf),
    event: eventType, label: eventName(transition),
    guard: guard === undefined ? null : guardName(guard),
    actions: [...actionNames(actions)],
    kind: eventType === '' ? 'always' : eventType === '*' ? 'any' : (ownEvent(eventType).kind ?? 'event'),
    reenter,
  }
}
