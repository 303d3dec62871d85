import { deepStrictEqual } from 'node:assert/strict'
import type { AnyActorLogic } from 'xstate'
import type { ActorStatus } from '../core/store.ts'
import type { ActorHandle } from '../host/handle.ts'
import type { ActorSnapshot } from '../host/snapshot.ts'

/** What a snapshot must show; parts left out are not looked at. */
export interface ExpectedSnapshot {
  readonly status?: ActorStatus
  readonly value?: unknown
  /** These parts of the context, each compared whole. */
  readonly context?: Readonly<Record<string, unknown>>
  readonly output?: unknown
  readonly tags?: readonly string[]
  /** Event types that must be legal now, in any order: all of them. */
  readonly nextEvents?: readonly string[]
}

/**
 * Compares a committed state with what it should be. Throws an AssertionError that shows the difference.
 *
 * @example
 * await assertSnapshot(runtime.actor(order, '1'), { value: 'paid', context: { cents: 1200 } })
 */
export async function assertSnapshot<TLogic extends AnyActorLogic>(of: ActorHandle<TLogic> | ActorSnapshot<TLogic>, expected: ExpectedSnapshot): Promise<void> {
  const snapshot = ('snapshot' in of ? await of.snapshot() : of) as ActorSnapshot
  const actual: Record<string, unknown> = {}
  const wanted: Record<string, unknown> = {}
  const compare = (part: string, real: unknown, ideal: unknown): void => {
    if (ideal === undefined) return
    actual[part] = real
    wanted[part] = ideal
  }
  compare('status', snapshot.status, expected.status)
  compare('value', snapshot.value, expected.value)
  compare('output', snapshot.output, expected.output)
  compare('tags', [...snapshot.tags].sort(), expected.tags && [...expected.tags].sort())
  compare('nextEvents', snapshot.nextEvents().map(({ type }) => type).sort(), expected.nextEvents && [...expected.nextEvents].sort())
  for (const [key, value] of Object.entries(expected.context ?? {})) compare(`context.${key}`, (snapshot.context as Record<string, unknown> | undefined)?.[key], value)
  deepStrictEqual(actual, wanted, undefined)
}
