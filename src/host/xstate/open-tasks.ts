import type { Op } from '../../core/delta.ts'
import type { TaskDocument } from '../../core/document.ts'

const NO_TASKS: Map<string, TaskDocument> = new Map()

/** The tasks that one actor tree waits for, by id; each change is noted for the step's delta. */
export class OpenTasks {
  /** Made with the first task. */
  #tasks = NO_TASKS
  readonly #ops: Op[]

  constructor(saved: Readonly<Record<string, TaskDocument>>, ops: Op[]) {
    this.#ops = ops
    for (const id in saved) this.#set(saved[id] as TaskDocument)
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
    this.#set(task)
    this.#ops.push([['tasks', task.id], task])
  }

  drop(id: string): void {
    if (this.#tasks.delete(id)) this.#ops.push([['tasks', id]])
  }

  #set(task: TaskDocument): void {
    if (this.#tasks === NO_TASKS) this.#tasks = new Map()
    this.#tasks.set(task.id, task)
  }

  toJSON(): Record<string, TaskDocument> {
    return Object.fromEntries(this.#tasks)
  }
}
