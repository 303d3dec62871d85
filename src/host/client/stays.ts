/** When something began that lasts. */
interface Begun {
  readonly at: number
  readonly seq: number
}

/** How long an actor was in a state. */
export interface Stay extends Begun {
  readonly path: string
  readonly until: number
}

/** The states of one actor, step after step. */
export class Stays {
  readonly #open = new Map<string, Begun>()

  get open(): ReadonlyMap<string, Begun> {
    return this.#open
  }

  /** Takes the states after a step; gives the stays that it has ended, and the paths that it has begun. */
  move(states: readonly string[], step: Begun): { readonly left: readonly Stay[]; readonly entered: readonly string[] } {
    const left = [...this.#open].flatMap(([path, begun]) => (states.includes(path) ? [] : [{ ...begun, path, until: step.at }]))
    const entered = states.filter(path => !this.#open.has(path))
    for (const { path } of left) this.#open.delete(path)
    for (const path of entered) this.#open.set(path, step)
    return { left, entered }
  }
}

/** The states that have no active state inside. */
export const leavesOf = (states: readonly string[]): readonly string[] => states.filter(path => !states.some(other => other.startsWith(`${path}.`)))
