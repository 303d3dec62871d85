import type { ActorLogic, AnyActorLogic, AnyActorRef, AnyEventObject, EventFromLogic, InputFrom, OutputFrom, Snapshot, SnapshotFrom } from 'xstate'
import { TroupeError } from './errors.ts'
import type { ErrorInfo } from './errors.ts'
import { fromErrorInfo } from './errors.ts'
import { hostLinkOf } from './host-link.ts'

const REMOTE = Symbol.for('troupe.remote')

/** State of the stand-in for a durable child: what the parent's checkpoint keeps of it. */
export type RemoteState = Snapshot<unknown> & {
  /** Identity of the durable child. */
  readonly address: string
  readonly input: unknown
}

/** What a durable child tells its parent. */
export type ChildOutcome =
  | { readonly type: 'done'; readonly output: unknown }
  | { readonly type: 'error'; readonly error: ErrorInfo }
  | { readonly type: 'stopped' }
  | { readonly type: 'snapshot'; readonly snapshot: { readonly value: unknown; readonly context: unknown } }

/** The event by which the host hands a child's outcome to its stand-in. */
export const CHILD_OUTCOME = 'troupe.child'

/** Logic whose snapshots, events and input are those of the machine it stands for. */
export type RemoteLogic<TLogic extends AnyActorLogic> = ActorLogic<
  Snapshot<OutputFrom<TLogic>> & Partial<Pick<SnapshotFrom<TLogic>, Extract<keyof SnapshotFrom<TLogic>, 'value' | 'context'>>>,
  EventFromLogic<TLogic>,
  InputFrom<TLogic>
>

export interface RemoteOptions {
  /**
   * Whether each such child lives in a partition of its own choice, with what it spawns, so that the nodes share the work
   * of a big run. It stays a part of the run. Default: it lives with its parent, and what they say costs no round trip.
   */
  readonly spread?: boolean
}

/**
 * A registered machine as a durable child of its own: `invoke` or `spawnChild` it like any logic, with `onDone`,
 * `onError`, `onSnapshot` and `sendTo`. It has its own checkpoint, mailbox and limits, in the run of its parent.
 * Under plain `createActor`, provide the machine itself in its place.
 *
 * @example
 * setup({ actors: { researcher: remote<typeof researcher>('researcher'), page: remote<typeof page>('page', { spread: true }) } })
 */
export function remote<TLogic extends AnyActorLogic>(machine: string, { spread = false }: RemoteOptions = {}): RemoteLogic<TLogic> {
  const logic: ActorLogic<RemoteState, AnyEventObject, unknown> & { [REMOTE]: string } = {
    [REMOTE]: machine,
    getInitialSnapshot: ({ self, system }, input) => {
      const link = hostLinkOf(system)
      if (!link) throw new TroupeError('machine/unknown', `remote('${machine}') needs a Troupe runtime; in a plain unit test provide the machine itself: machine.provide({ actors })`)
      return { status: 'active', output: undefined, error: undefined, input, address: link.childAddress(self, machine, spread) }
    },
    start: (state, { self, system }) => {
      if (state.status === 'active') hostLinkOf(system)?.spawn(self, state.address, state.input)
    },
    transition: (state, event, { system }) => {
      if (state.status !== 'active') return state
      if (event.type === 'xstate.stop') {
        hostLinkOf(system)?.stop(state.address)
        return { ...state, status: 'stopped', output: undefined, error: undefined, input: undefined }
      }
      if (event.type !== CHILD_OUTCOME || event['child'] !== state.address) return state
      return applyOutcome(state, event['outcome'] as ChildOutcome)
    },
    getPersistedSnapshot: state => ({ status: state.status, output: state.output, error: state.error, input: state.input, address: state.address }) as RemoteState,
    restoreSnapshot: state => state as RemoteState,
  }
  return logic as unknown as RemoteLogic<TLogic>
}

function applyOutcome(state: RemoteState, outcome: ChildOutcome): RemoteState {
  switch (outcome.type) {
    case 'done':
      return { ...state, status: 'done', output: outcome.output, error: undefined, input: undefined }
    case 'error':
      return { ...state, status: 'error', output: undefined, error: fromErrorInfo(outcome.error), input: undefined }
    case 'stopped':
      return { ...state, status: 'stopped', output: undefined, error: undefined, input: undefined }
    case 'snapshot':
      return { ...state, ...outcome.snapshot }
  }
}

/** The registered name behind a stand-in; undefined for other logic. */
export const remoteMachineOf = (logic: unknown): string | undefined => (logic as { [REMOTE]?: string })[REMOTE]

/** Identity of the durable child behind a stand-in's reference; undefined for other actors. */
export function remoteAddressOf(ref: AnyActorRef): string | undefined {
  const { logic } = ref as unknown as { logic?: unknown }
  if (logic === undefined || remoteMachineOf(logic) === undefined) return undefined
  return (ref.getSnapshot() as RemoteState).address
}
