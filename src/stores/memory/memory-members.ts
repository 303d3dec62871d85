import type { Member, Members } from '../../core/store.ts'

/** The runtimes of one process that share a store. */
export class MemoryMembers implements Members {
  readonly #members = new Map<string, { readonly member: Member; readonly until: number }>()
  readonly #changed: () => void

  constructor(changed: () => void) {
    this.#changed = changed
  }

  async announce(member: Member, now: number, ttlMs: number): Promise<readonly Member[]> {
    let changed = !this.#members.has(member.node)
    for (const [node, { until }] of this.#members) {
      if (until > now || node === member.node) continue
      this.#members.delete(node)
      changed = true
    }
    this.#members.set(member.node, { member: { ...member }, until: now + ttlMs })
    if (changed) this.#changed()
    return this.all()
  }

  async retire(node: string): Promise<void> {
    if (this.#members.delete(node)) this.#changed()
  }

  async all(): Promise<readonly Member[]> {
    return [...this.#members.values()].map(({ member }) => member)
  }
}
