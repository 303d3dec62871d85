import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'
import { actionNames, childrenOf, eventName, guardName, invokeName, nodesUnder, transitionsOf } from './nodes.ts'

/** Words that Mermaid takes for its own where an id is meant. */
const RESERVED = ['root', 'state', 'note', 'end', 'class', 'classDef', 'style', 'click', 'scale', 'hide', 'direction', 'default', 'as']

/**
 * The statechart of a machine as a Mermaid `stateDiagram-v2`: states, regions, starts and ends, and on the arrows events, guards
 * and delays by their names; inside a state what it invokes and which events it handles without leaving. The same for the same machine.
 *
 * How it is drawn, and why
 * 1  Arrows stand after all states, at the top level: inside a composite they would move the states that they name into it.
 * 2  No arrow joins a composite and a state inside it: Mermaid's layout fails on that. What a composite does for the states in it
 *    begins at a state of its own, "any state"; an arrow back to a composite goes to its initial state.
 * 3  Regions of a parallel state are composites side by side, each with a start: nested `--` regions fail too.
 *
 * @example
 * console.log(statechart(order))   // in Markdown between ```mermaid and ```
 */
export function statechart(machine: AnyStateMachine): string {
  const nodes = [machine.root, ...nodesUnder(machine.root)]
  const ids = idsOf(nodes)
  const inside = new Map(nodes.map(node => [node, node.invoke.map(invokeText)]))
  const anywhere = new Set(nodes.filter(node => isComposite(node) && node.invoke.length > 0))
  const arrows = new Map<string, string[]>()

  const handleInside = (node: AnyStateNode, line: string): void => {
    inside.get(node)?.push(line)
    if (isComposite(node)) anywhere.add(node)
  }
  const draw = (node: AnyStateNode, target: AnyStateNode, label: string): void => {
    const end = endOf(node, target)
    if (!end) return handleInside(node, `${label} → ${target.key}`)
    const isWithin = isComposite(node) && contains(node, end)
    if (isWithin) anywhere.add(node)
    const arrow = `${isWithin ? anyId(ids, node) : ids.get(node)} --> ${ids.get(end)}`
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), label])
  }
  for (const node of nodes) {
    for (const transition of transitionsOf(node)) {
      if (transition.target) for (const target of transition.target) draw(node, target, labelOf(transition))
      else handleInside(node, `${labelOf(transition)}${actionsOf(transition)}`)
    }
  }

  const stateLines = (node: AnyStateNode): readonly string[] => {
    const id = ids.get(node) ?? ''
    if (isComposite(node)) return [`state "${escape(node.key)}" as ${id} {`, ...contents(node).map(indented), '}']
    return [...named(id, nameOf(node), inside.get(node) ?? []), ...(node.type === 'final' ? [`${id} --> [*]`] : [])]
  }
  const contents = (node: AnyStateNode): readonly string[] => [
    ...startsOf(node).map(start => `[*] --> ${ids.get(start)}`),
    ...childrenOf(node).flatMap(stateLines),
    ...(anywhere.has(node) ? named(anyId(ids, node), node === machine.root ? 'any state' : `any state of ${node.key}`, inside.get(node) ?? []) : []),
  ]
  const joined = [...arrows].map(([arrow, labels]) => `${arrow} : ${labels.map(escape).join('<br/>')}`)
  return ['stateDiagram-v2', ...[...contents(machine.root), ...joined].map(indented)].join('\n')
}

const indented = (line: string): string => `  ${line}`

const isComposite = (node: AnyStateNode): boolean => node.type === 'compound' || node.type === 'parallel' || node.parent === undefined
const contains = (outer: AnyStateNode, inner: AnyStateNode): boolean => outer === inner || (inner.parent !== undefined && contains(outer, inner.parent))

function idsOf(nodes: readonly AnyStateNode[]): ReadonlyMap<AnyStateNode, string> {
  // Mermaid calls starts and ends by their composite.
  const pseudo = (id: string): readonly string[] => [`${id}_start`, `${id}_end`, `${id}_any`]
  const taken = new Set([...RESERVED, ...pseudo('root')])
  const ids = new Map<AnyStateNode, string>()
  for (const node of nodes) {
    let id = node.path.join('_').replaceAll(/\W/g, '_')
    while (taken.has(id)) id += '_'
    ids.set(node, id)
    for (const used of [id, ...pseudo(id)]) taken.add(used)
  }
  return ids
}

const anyId = (ids: ReadonlyMap<AnyStateNode, string>, node: AnyStateNode): string => `${ids.get(node)}_any`

/** Where an arrow from `source` to `target` ends; undefined if the target holds the source and has no initial state to point at. */
function endOf(source: AnyStateNode, target: AnyStateNode): AnyStateNode | undefined {
  if (!isComposite(target) || (source !== target && !contains(target, source))) return target
  const [initial] = target.type === 'compound' ? target.initial.target : []
  return initial && endOf(source, initial)
}

/** The states that are entered with a composite, as those directly inside it. */
function startsOf(node: AnyStateNode): readonly AnyStateNode[] {
  if (node.type === 'parallel') return childrenOf(node).filter(({ type }) => type !== 'history')
  if (node.type !== 'compound') return []
  return childrenOf(node).filter(child => node.initial.target.some(target => contains(child, target)))
}

function nameOf(node: AnyStateNode): string {
  if (node.type !== 'history') return node.key
  return node.history === 'deep' ? 'H*' : 'H'
}

/** The name stands for itself: else Mermaid shows the first line in its place. */
const named = (id: string, name: string, lines: readonly string[]): readonly string[] => [`state "${escape(name)}" as ${id}`, ...lines.map(line => `${id} : ${escape(line)}`)]

function labelOf(transition: AnyTransitionDefinition): string {
  const { guard } = transition
  return [eventName(transition), guard === undefined ? '' : `[${guardName(guard)}]`].filter(Boolean).join(' ')
}

function invokeText({ id, src }: { readonly id: string; readonly src: unknown }): string {
  const name = invokeName(id, src)
  return typeof src !== 'string' || src === name || src.startsWith('xstate.invoke') ? `invoke ${name}` : `invoke ${src} as ${name}`
}

function actionsOf({ actions }: AnyTransitionDefinition): string {
  const names = actionNames(actions)
  return names.length > 0 ? ` / ${names.join(', ')}` : ''
}

/** `:` and `;` would end a label, `#` begin an entity, `%%` a comment, and the rest be read as HTML or Markdown. */
const escape = (text: string): string => text.replaceAll(/[:;#"<>{}%&*`\\]/g, character => `#${character.charCodeAt(0)};`)
