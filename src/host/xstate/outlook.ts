import type { AnyActorLogic, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
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
  const nodes = machine._nodes as readonly { readonly transitions: ReadonlyMap<string, readonly { guard?: unknown; target?: unknown; actions: readonly unknown[] }[]> }[]
  for (const { transitions } of nodes) {
    for (const [type, candidates] of transitions) {
      // Those of its own, such as what its timers raise, nobody outside may send.
      if (type === '' || type.startsWith('xstate.') || type.startsWith('troupe.')) continue
      const acting = candidates.filter(({ target, actions }) => target !== undefined || actions.length > 0)
      if (acting.length > 0) guardedBy.set(type, (guardedBy.get(type) ?? true) && acting.every(({ guard }) => guard !== undefined))
    }
  }
  return guardedBy
}

/** The logic of a child; inline ones XState names by where they are invoked. */
function sourceOf(machine: AnyStateMachine, src: string): AnyActorLogic | undefined {
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
