import type { AnyStateNode, AnyTransitionDefinition } from 'xstate'

/** What all drawings of a machine read of it: states, transitions, and the words that people know them by. */

export const childrenOf = (node: AnyStateNode): readonly AnyStateNode[] => Object.values(node.states)
export const nodesUnder = (node: AnyStateNode): readonly AnyStateNode[] => childrenOf(node).flatMap(child => [child, ...nodesUnder(child)])

export const transitionsOf = (node: AnyStateNode): readonly AnyTransitionDefinition[] => [...node.transitions.values(), node.always ?? []].flat()

/** What a transition waits for: `after 100 ms`, `payment done`. */
export function eventName(transition: AnyTransitionDefinition): string {
  const { eventType, source } = transition
  const { kind, of, id } = ownEvent(eventType)
  if (eventType === '') return 'always'
  if (eventType === '*') return 'any other event'
  if (kind === undefined) return eventType
  if (kind === 'after') {
    const { delay } = transition as { delay?: unknown }
    return `after ${String(delay)}${typeof delay === 'number' ? ' ms' : ''}`
  }
  if (of === 'state') return 'done'
  const end = { done: 'done', error: 'failed', snapshot: 'changed' }[kind]
  const invoked = source.invoke.find(invoke => invoke.id === id)
  return `${id === '*' ? 'any child' : invoked ? invokeName(id, invoked.src) : id} ${end}`
}

type OwnKind = 'after' | 'done' | 'error' | 'snapshot'

/** What an event of XState's own tells of; without a kind it is one of the machine. */
export function ownEvent(type: string): { readonly kind: OwnKind | undefined; readonly of: string | undefined; readonly id: string } {
  const [, kind, of, id = ''] = /^xstate\.(after|done|error|snapshot)\.(?:(actor|state)\.)?(.*)$/.exec(type) ?? []
  return { kind: kind as OwnKind | undefined, of, id }
}

/** What stands for logic that is written in place and has no name. */
export const INLINE = 'inline actor'

/** XState makes an id such as `0.order.paying` where none is given. */
export const invokeName = (id: string, src: unknown): string => (/^\d+\./.test(id) ? (typeof src === 'string' && !src.startsWith('xstate.invoke') ? src : INLINE) : id)

type Named = string | { readonly type: string } | (((...args: never[]) => unknown) & { readonly guards?: readonly Named[] })

/** Names of guards as they were given; functions written in place have none. */
export function guardName(guard: unknown): string {
  const named = guard as Named
  if (typeof named === 'string') return named
  if (typeof named === 'object') return named.type
  return named.guards ? `${named.name} ${named.guards.map(guardName).join(', ')}` : 'inline'
}

/** Actions that have a name; `assign` and others written in place are left out. */
export const actionNames = (actions: readonly unknown[]): readonly string[] =>
  actions.flatMap(action => (typeof action === 'string' ? [action] : typeof action === 'object' && action !== null ? [(action as { readonly type: string }).type] : []))
