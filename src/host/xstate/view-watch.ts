import { persist } from './shadow.ts'
import type { Shadow } from './shadow.ts'

/** Below this many typed arrays nothing is worth looking for those that are gone. */
const VIEWS_MIN = 16

/** Typed arrays cannot be frozen and may change in place: their content is compared after each step. */
export class ViewWatch {
  #contents = new Map<ArrayBufferView, string>()
  #prunedAt = VIEWS_MIN

  /** Whether one has changed since the last look. Forgets, now and then, those that the tree does not hold any more. */
  hasChanged(views: Set<ArrayBufferView>, shadow: Shadow): boolean {
    if (views.size > this.#prunedAt) this.#prune(views, shadow)
    const now = new Map<ArrayBufferView, string>()
    let changed = false
    for (const view of views) {
      const content = Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('latin1')
      if ((this.#contents.get(view) ?? content) !== content) changed = true
      now.set(view, content)
    }
    this.#contents = now
    return changed
  }

  #prune(views: Set<ArrayBufferView>, shadow: Shadow): void {
    const held = new Set<unknown>()
    collectViews(persist(shadow), held)
    for (const view of views) if (!held.has(view)) views.delete(view)
    this.#prunedAt = Math.max(VIEWS_MIN, 2 * views.size)
  }
}

function collectViews(value: unknown, held: Set<unknown>): void {
  if (ArrayBuffer.isView(value)) held.add(value)
  else if (isPlain(value)) for (const key in value) collectViews(value[key], held)
}

/** Not a reference to an actor, behind which lies the whole tree. */
const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && (Array.isArray(value) || !('sessionId' in value))
