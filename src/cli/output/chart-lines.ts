import type { Chart, ChartState } from '../../core/client/views.ts'

/**
 * A statechart as an indented list: each state with what it invokes, and the ways out of it.
 *
 * ```
 * ▸ waiting (first)
 *     PAY [isEnough] → paid
 * ```
 */
export function chartLines({ root, transitions }: Chart): readonly string[] {
  const lines = (state: ChartState, initial: string | null, isRegion: boolean, indent: string): readonly string[] => {
    const marks = [state.path !== '' && state.path === initial ? 'first' : '', isRegion ? 'region' : '', state.type === 'final' ? 'end' : state.type === 'history' ? `${state.history ?? ''} history` : state.type === 'parallel' ? 'all at once' : '', state.tags.length > 0 ? `tags ${state.tags.join(', ')}` : ''].filter(Boolean)
    const inner = state.path === '' ? indent : `${indent}    `
    return [
      ...(state.path === '' ? [] : [`${indent}${state.type === 'final' ? '◼' : '▸'} ${state.key}${marks.length > 0 ? ` (${marks.join('; ')})` : ''}`]),
      ...state.invoke.map(({ src, kind, machine }) => `${inner}${kind} ${src}${machine !== null && machine !== src ? ` (${machine})` : ''}`),
      ...transitions.filter(({ source }) => source === state.path).map(({ label, guard, targets, actions }) => `${inner}${label}${guard === null ? '' : ` [${guard}]`} → ${targets.length > 0 ? targets.map(path => path || 'the whole').join(', ') : actions.length > 0 ? `does ${actions.join(', ')}` : 'nothing'}`),
      ...state.states.flatMap(child => lines(child, state.initial, state.type === 'parallel', inner)),
    ]
  }
  return lines(root, null, false, '')
}
