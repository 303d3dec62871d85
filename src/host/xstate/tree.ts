import type { AnyActorLogic } from 'xstate'
import type { PersistedSnapshot } from '../../core/document.ts'
import { escapePart } from './internals.ts'
import { isMachine } from './logic.ts'
import { resolveMachine, sourceOf } from './outlook.ts'

/** A part of an actor's tree as its checkpoint has it: '' is the path of the actor itself. */
export interface TreePart {
  readonly path: string
  /** Its name in the machine that has it; that of the machine for the actor itself. */
  readonly src: string
  /** Undefined for a place that the machine does not have any more. */
  readonly logic: AnyActorLogic | undefined
  readonly snapshot: PersistedSnapshot
}

/** The actor and all that lives inside it, parents before children. */
export function treeOf(root: Omit<TreePart, 'path'>, path = ''): readonly TreePart[] {
  const { logic, snapshot } = root
  const machine = isMachine(logic) ? logic : undefined
  const children = Object.entries(snapshot.children ?? {}).flatMap(([id, child]) => treeOf({ src: child.src, logic: machine && sourceOf(machine, child.src), snapshot: child.snapshot }, `${path}/${escapePart(id)}`))
  return [{ ...root, path }, ...children]
}

/** The tags of the states that are active anywhere in a tree. */
export const tagsOf = (parts: readonly TreePart[]): readonly string[] => [...new Set(parts.flatMap(({ path, logic, snapshot }) => ((path === '' || snapshot.status === 'active') && isMachine(logic) ? [...(resolveMachine(logic, snapshot)?.tags ?? [])] : [])))]

/** The same of a tree that lives. */
export function liveTags(snapshot: LiveSnapshot): readonly string[] {
  const tags = [...(snapshot.tags ?? [])]
  for (const id in snapshot.children) {
    const child = snapshot.children[id]?.getSnapshot()
    if (child?.status === 'active') tags.push(...liveTags(child))
  }
  return snapshot.children ? [...new Set(tags)] : tags
}

interface LiveSnapshot {
  readonly status?: string
  readonly tags?: ReadonlySet<string>
  readonly children?: Readonly<Record<string, { getSnapshot(): LiveSnapshot } | undefined>>
}
