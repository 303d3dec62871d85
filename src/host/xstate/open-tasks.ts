import type { Op } from '../../core/delta.ts'
import type { TaskDocument } from '../../core/document.ts'

/** The tasks that one actor tree waits for, by id; each change is noted for the step's delta. */
export class OpenTasks {
  readonly #tasks: Map<string, TaskDocument>
  readonly #note: (op: Op) => void

  constructor(saved: Readonly<Record<string, TaskDocument>>, note: (op: Op) => void) {
    this.#tasks = new Map(Object.entries(saved))
    this.#note = note
  }

  get all(): ReadonlyMap<string, TaskDocument> {
    return this.#tasks
  }

  /** When the first retry is due. */
  get earliest(): number | null {
    let due: number | null = null
    for (const { dueAt } of this.#tasks.values()) if (dueAt !== null && (due === null || dueAt < due)) due = dueAt
    return due
  }

  get isAnyRunning(): boolean {
    for (const { dueAt } of this.#tasks.values()) if (dueAt === null) return true
    return false
  }

  put(task: TaskDocument): void {
    this.#tasks.set(task.id, task)
    this.#note([['tasks', task.id], task])
  }

  drop(id: string): void {
    if (this.#tasks.delete(id)) this.#note([['tasks', id]])
  }

  toJSON(): Record<string, TaskDocument> {
    return Object.fromEntries(this.#tasks)
  }
}
