/** One operation on a register, as a client has seen it. */
export interface RegisterOperation {
  readonly op: string
  readonly kind: 'read' | 'write' | 'swap'
  /** What was written. */
  readonly value: string | null
  /** What was read: the value, or for a swap the one before. Undefined when nobody was told. */
  readonly result: string | null | undefined
  readonly from: number
  /** Infinity when no answer ever came: it may take effect at any time, or never. */
  readonly to: number
}

/** A search among so many operations ends in time: each is one bit of a set. */
const OPERATIONS_MAX = 60

/**
 * Whether there is an order in which the operations, one after the other, explain every answer, and in which none comes
 * before another that had ended when it began: the search of Wing and Gong (1993) with Lowe's memory of what was tried.
 */
export function isLinearizable(operations: readonly RegisterOperation[], initial: string | null): boolean {
  if (operations.length > OPERATIONS_MAX) throw new Error(`${operations.length} operations on one register are too many to search`)
  const ordered = operations.toSorted((a, b) => a.from - b.from)
  const pending = ordered.reduce((set, { to }, index) => (to === Infinity ? set : set | bit(index)), 0n)
  const tried = new Set<string>()

  const search = (done: bigint, value: string | null): boolean => {
    if ((done & pending) === pending) return true
    const state = `${done} ${value}`
    if (tried.has(state)) return false
    tried.add(state)
    // Whatever comes next must have begun before the first of those that are left ended.
    const deadline = ordered.reduce((first, { to }, index) => ((done & bit(index)) === 0n ? Math.min(first, to) : first), Infinity)
    return ordered.some((operation, index) => {
      if ((done & bit(index)) !== 0n || operation.from > deadline || !explains(operation, value)) return false
      return search(done | bit(index), operation.kind === 'read' ? value : operation.value)
    })
  }
  return search(0n, initial)
}

const bit = (index: number): bigint => 1n << BigInt(index)

const explains = ({ kind, result }: RegisterOperation, value: string | null): boolean => kind === 'write' || result === undefined || result === value
