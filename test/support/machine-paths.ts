import { createActor, fromTransition } from 'xstate'
import type { AnyActor, AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, InputFrom } from 'xstate'
import { getShortestPaths, getStateNodes } from 'xstate/graph'

/** One way to begin, and what may happen then. */
export interface Scenario<TMachine extends AnyStateMachine> {
  readonly input?: InputFrom<TMachine>
  /**
   * What may arrive at any time; those of one type with different payloads are tried each. The ends of timers are added by
   * themselves; so are the ends of invoked actors, without output, unless there is a `doneEvent` or `errorEvent` of theirs here.
   */
  readonly events?: readonly AnyEventObject[] | ((snapshot: AnyMachineSnapshot) => readonly AnyEventObject[])
  /** Whether to go on from there; bounds machines whose context grows with every event. Default: always. */
  readonly explore?: (snapshot: AnyMachineSnapshot) => boolean
}

/** Different states and contexts that a scenario may lead to. */
const STATES_MAX = 5_000
/** Ends of actors: nobody but the actor itself can send them, so it must be there. */
const END = /^xstate\.(?:done|error)\.actor\.(.+)$/

export const doneEvent = (id: string, output?: unknown): AnyEventObject => ({ type: `xstate.done.actor.${id}`, output, actorId: id })
export const errorEvent = (id: string, error: unknown = new Error('it failed')): AnyEventObject => ({ type: `xstate.error.actor.${id}`, error, actorId: id })

/**
 * Goes every shortest path through the machine (`xstate/graph`) and every event from its end, each on an actor of its own,
 * and throws with the transitions that none has taken: of events, delays, `always` and ends of children, each branch for itself.
 * Actions run; children stand still, they are tested by themselves.
 *
 * @example
 * expectEveryTransition(barrier, { input: { expected: ['a'], timeoutMs: 1 }, events: [{ type: 'barrier.arrive', name: 'a' }] })
 */
export function expectEveryTransition<TMachine extends AnyStateMachine>(machine: TMachine, ...scenarios: readonly Scenario<TMachine>[]): void {
  const missing = transitionsNeverTaken(machine, scenarios)
  if (missing.length > 0) throw new Error(`${machine.id}: no path takes\n${missing.map(transition => `  ${nameOf(transition)}`).join('\n')}`)
}

function transitionsNeverTaken<TMachine extends AnyStateMachine>(machine: TMachine, scenarios: readonly Scenario<TMachine>[]): readonly AnyTransitionDefinition[] {
  const still = withStillChildren(machine)
  const missing = new Set(transitionsOf(still))
  for (const scenario of scenarios) {
    for (const path of pathsOf(still, scenario)) {
      if (missing.size === 0) return []
      for (const transition of takenBy(still, scenario.input, path)) missing.delete(transition)
    }
  }
  return [...missing]
}

const transitionsOf = (machine: AnyStateMachine): readonly AnyTransitionDefinition[] => [machine.root, ...getStateNodes(machine.root)].flatMap(node => [...[...node.transitions.values()].flat(), ...(node.always ?? [])])

function withStillChildren(machine: AnyStateMachine): AnyStateMachine {
  const still = fromTransition((state: null) => state, null)
  return machine.provide({ actors: Object.fromEntries(Object.keys(machine.implementations.actors).map(name => [name, still])) as never })
}

/** An actor with a parent that hears nothing, so that it may `sendParent`, in a system where no time passes: the ends of timers are events of the paths. */
function actorOf(machine: AnyStateMachine, input: unknown, taken: AnyTransitionDefinition[] = []): AnyActor {
  const parent = createActor(fromTransition((state: null) => state, null), { clock: { setTimeout: () => 0, clearTimeout: () => undefined } })
  parent.system.inspect(event => void (event.type === '@xstate.microstep' && taken.push(...event._transitions)))
  return createActor(machine, { id: machine.id, input, parent })
}

function* pathsOf<TMachine extends AnyStateMachine>(machine: AnyStateMachine, { input, events = [], explore = () => true }: Scenario<TMachine>): Generator<readonly AnyEventObject[]> {
  const given = (snapshot: AnyMachineSnapshot): readonly AnyEventObject[] => (typeof events === 'function' ? events(snapshot) : events)
  const eventsAt = (snapshot: AnyMachineSnapshot): readonly AnyEventObject[] => (snapshot.status === 'active' ? possibleEvents(snapshot, given(snapshot)) : [])
  const self = actorOf(machine, input)
  const scope = { self, system: self.system, id: self.id, sessionId: self.sessionId, logger: () => undefined, defer: () => undefined, stopChild: () => undefined, emit: () => undefined, actionExecutor: () => undefined }
  const logic = {
    transition: (snapshot: AnyMachineSnapshot, event: AnyEventObject) => machine.transition(snapshot, event, scope),
    getInitialSnapshot: () => machine.getInitialSnapshot(scope, input),
    getPersistedSnapshot: machine.getPersistedSnapshot.bind(machine),
  }
  const paths = getShortestPaths(logic as unknown as AnyStateMachine, {
    events: eventsAt,
    serializeState: ({ value, context, status, children }) => JSON.stringify({ value, context, status, children: Object.keys(children) }),
    stopWhen: snapshot => !explore(snapshot),
    limit: STATES_MAX,
  })
  for (const { state, steps } of paths) {
    const path = steps.slice(1).map(({ event }) => event)
    yield path
    for (const event of eventsAt(state)) yield [...path, event]
  }
}

function possibleEvents(snapshot: AnyMachineSnapshot, given: readonly AnyEventObject[]): readonly AnyEventObject[] {
  const types = new Set(given.map(({ type }) => type))
  const own = [...new Set<string>(snapshot._nodes.flatMap(node => node.ownEvents))].filter(type => !types.has(type) && !type.includes('*') && (type.startsWith('xstate.after.') || END.test(type)))
  return [...own.map(endOf), ...given].filter(({ type }) => {
    const child = END.exec(type)?.[1]
    return child === undefined || child in snapshot.children
  })
}

function endOf(type: string): AnyEventObject {
  const child = END.exec(type)?.[1]
  if (child === undefined) return { type }
  return type.startsWith('xstate.done') ? doneEvent(child) : errorEvent(child)
}

function takenBy(machine: AnyStateMachine, input: unknown, path: readonly AnyEventObject[]): readonly AnyTransitionDefinition[] {
  const taken: AnyTransitionDefinition[] = []
  const actor = actorOf(machine, input, taken)
  let failure: unknown
  actor.subscribe({ error: error => void (failure = error) })
  actor.start()
  for (const event of path) actor.send(event)
  if (failure !== undefined) throw new Error(`${machine.id} throws after ${path.map(event => JSON.stringify(event)).join(', ') || 'its start'}`, { cause: failure })
  return taken
}

function nameOf({ source, eventType, guard, target }: AnyTransitionDefinition): string {
  const condition = typeof guard === 'string' ? guard : typeof guard === 'object' && 'type' in guard ? guard.type : guard && 'inline guard'
  return `${source.id} --${eventType || 'always'}${condition ? ` [${condition}]` : ''}--> ${target?.map(({ id }) => id).join(', ') ?? 'itself'}`
}
