import type { AnyActorRef } from 'xstate'

/**
 * A persisted snapshot as data that can be compared between plain XState and Troupe. What is left out, and why:
 *
 * - `task` of a promise child: Troupe's own id of the task that runs it.
 * - `nodes` of a machine: Troupe's note of the order in which its states were entered.
 * - The order of the states in a history value: XState enters them in the order of the document whatever it is.
 * - Stack and own properties of an error beside name, message and code: text of a store keeps no classes.
 * - `path` of a reference to an actor: XState restores only those to one's own children, Troupe any in the tree.
 */
export function normalise(persisted: unknown): unknown {
  return plain(persisted, '')
}

function plain(value: unknown, key: string): unknown {
  if (value instanceof Error) return { $error: `${value.name}: ${value.message}` }
  if (ArrayBuffer.isView(value)) return { $typed: value.constructor.name, values: [...(value as Uint8Array)] }
  if (typeof value !== 'object' || value === null) return value
  if ('sessionId' in value && 'send' in value) return { $actor: (value as unknown as AnyActorRef).id }
  if ('xstate$$type' in value) return { $actor: (value as unknown as { readonly id: string }).id }
  if (Array.isArray(value)) return value.map(item => plain(item, ''))
  const entries = Object.entries(value).filter(([name, inner]) => inner !== undefined && !((name === 'task' || name === 'nodes') && 'status' in value) && !(name === 'syncSnapshot' && inner === false))
  if (key === 'historyValue') return Object.fromEntries(entries.map(([id, nodes]) => [id, (nodes as readonly { readonly id: string }[]).map(node => node.id).toSorted()]))
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner, name)]))
}

/** Tags of an actor and of all its children: XState computes them, nothing persists them. */
export function tagsOf(snapshot: object): unknown {
  const { tags, children } = snapshot as { readonly tags?: ReadonlySet<string>; readonly children?: Readonly<Record<string, AnyActorRef>> }
  if (!tags) return null
  const inner = Object.entries(children ?? {}).map(([id, child]) => [id, tagsOf(child.getSnapshot() as object)])
  return { tags: [...tags].toSorted(), children: Object.fromEntries(inner) }
}
