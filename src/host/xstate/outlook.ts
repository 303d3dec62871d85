import type { AnyActorLogic, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import type { ActorId } from '../../core/address.ts'
import type { PersistedSnapshot } from '../../core/document.ts'
import { isMachine, kindOf } from './logic.ts'

/** What a snapshot says of what may come: tasks and timers aside, which stand beside it in the document. */
export interface Outlook {
  /** Types of events that some part of the tree would act upon now. */
  readonly events: Set<string>
  /** Durable children that its stand-ins take for alive. */
  readonly children: ActorId[]
  /** Paths of code beside the actor, and of parts that tell nothing of themselves. */
  readonly code: string[]
  /** Children that have ended and are still there. */
  readonly ended: { readonly path: string; readonly status: PersistedSnapshot['status']; readonly address: ActorId | undefined }[]
}

export function outlookOf(logic: AnyActorLogic, snapshot: PersistedSnapshot): Outlook {
  const outlook: Outlook = { events: new Set(), children: [], code: [], ended: [] }
  look(logic, snapshot, '', outlook)
  return outlook
}

function look(logic: AnyActorLogic | undefined, snapshot: PersistedSnapshot, path: string, outlook: Outlook): void {
  const { address } = snapshot as { readonly address?: ActorId }
  const kind = logic && kindOf(logic)
  if (snapshot.status !== 'active') return void outlook.ended.push({ path, status: snapshot.status, address })
  if (kind === 'task') return
  if (kind === 'remote' && address !== undefined) return void outlook.children.push(address)
  const machine = isMachine(logic) ? logic : undefined
  const resolved = machine && resolveMachine(machine, snapshot)
  if (!machine || !resolved) return void outlook.code.push(path)
  for (const type of eventsOf(resolved).keys()) outlook.events.add(type)
  for (const [id, child] of Object.entries(snapshot.children ?? {})) look(sourceOf(machine, child.src), child.snapshot, `${path}/${id}`, outlook)
}

/** The live form of a state. Undefined for one that the machine does not have: the actor is held, or this was before a migration. */
export function resolveMachine(machine: AnyStateMachine, { value, context, status, output, error }: PersistedSnapshot): AnyMachineSnapshot | undefined {
  try {
    return machine.resolveState({ value, context, status, output, error } as never)
  } catch {
    return undefined
  }
}

/** The events that a state acts upon, each with whether a guard decides in any case. */
export function eventsOf(machine: AnyMachineSnapshot): ReadonlyMap<string, boolean> {
  const guardedBy = new Map<string, boolean>()
  for (const { transitions } of machine._nodes as readonly AnyStateNode[]) {
    for (const [type, candidates] of transitions) {
      const acting = actingOf(candidates)
      if (isOutside(type) && acting.length > 0) guardedBy.set(type, (guardedBy.get(type) ?? true) && acting.every(({ guard }) => guard !== undefined))
    }
  }
  return guardedBy
}

const actingOf = (candidates: readonly AnyTransitionDefinition[]): readonly AnyTransitionDefinition[] => candidates.filter(({ target, actions }) => target !== undefined || actions.length > 0)

/** Whether a wildcard, `*` or `order.*`, stands for a type of event. */
export const isWildcardFor = (wildcard: string, type: string): boolean => wildcard === '*' || (wildcard.endsWith('.*') && (type === wildcard.slice(0, -2) || type.startsWith(wildcard.slice(0, -1))))

/** Paths of the states that act upon a type of event; '' is the root. */
export const handlersOf = (machine: AnyStateMachine, type: string): readonly string[] =>
  nodesOf(machine.root).flatMap(({ path, transitions }) => ([...transitions].some(([on, candidates]) => (on === type || isWildcardFor(on, type)) && actingOf(candidates).length > 0) ? [path.join('.')] : []))

/** The types of events that some state of a machine names; `*` is none. */
export function eventTypesOf(machine: AnyStateMachine): ReadonlySet<string> {
  return new Set(nodesOf(machine.root).flatMap(({ transitions }) => [...transitions.keys()].filter(type => isOutside(type) && !type.includes('*'))))
}

const nodesOf = (node: AnyStateNode): readonly AnyStateNode[] => [node, ...Object.values(node.states).flatMap(nodesOf)]

/** Those of its own, such as what its timers raise, nobody outside may send. */
const isOutside = (type: string): boolean => type !== '' && !type.startsWith('xstate.') && !type.startsWith('troupe.')

/** The logic of a child; inline ones XState names by where they are invoked. */
export function sourceOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
  const [, index, node] = /^xstate\.invoke\.(\d+)\.(.*)/.exec(src) ?? []
  if (node === undefined) return machine.implementations.actors[src] as AnyActorLogic | undefined
  try {
    const { invoke } = machine.getStateNodeById(node).config as { readonly invoke?: Invoked | readonly Invoked[] }
    return [invoke].flat()[Number(index)]?.src
  } catch {
    // A place that the machine does not have any more.
    return undefined
  }
}

type Invoked = { readonly src: AnyActorLogic }
