import type { Chart, ChartState } from '../core/client/views.ts'

type Transition = Chart['transitions'][number]
type Config = Record<string, unknown>

/** A chart as the config of an XState machine: what other tools draw. Guards, actions and invoked logic are names in it. */
export function definitionOf({ root, transitions }: Chart): Config {
  const ids = new Map<string, string>()
  const learn = (state: ChartState): void => {
    ids.set(state.path, state.id)
    state.states.forEach(learn)
  }
  learn(root)
  const bySource = Map.groupBy(transitions, ({ source }) => source)
  const configOf = ({ targets, guard, actions, reenter }: Transition): Config => ({
    ...(targets.length > 0 && { target: targets.map(path => `#${ids.get(path)}`) }),
    ...(guard !== null && { guard }),
    ...(actions.length > 0 && { actions }),
    ...(reenter && { reenter }),
  })
  const many = (list: readonly Transition[] | undefined): Config[] | undefined => list?.map(configOf)
  const stateOf = (state: ChartState): Config => {
    const own = bySource.get(state.path) ?? []
    const ofKind = (kind: Transition['kind']): ReadonlyMap<string, Transition[]> => Map.groupBy(own.filter(transition => transition.kind === kind), ({ event }) => event)
    const named = (kinds: readonly Transition['kind'][], nameOf: (event: string) => string): Config => Object.fromEntries(kinds.flatMap(kind => [...ofKind(kind)].map(([event, list]) => [nameOf(event), many(list)])))
    const invoke = state.invoke.map(({ id, src }) => ({
      id, src,
      onDone: many(ofKind('done').get(`xstate.done.actor.${id}`)),
      onError: many(ofKind('error').get(`xstate.error.actor.${id}`)),
      onSnapshot: many(ofKind('snapshot').get(`xstate.snapshot.${id}`)),
    }))
    const { id, type, initial, history, description, tags, entry, exit, states } = state
    return withoutEmpty({
      id, description: description ?? undefined, tags, entry, exit, invoke,
      type: type === 'atomic' || type === 'compound' ? undefined : type,
      history: history ?? undefined,
      initial: initial === null ? undefined : states.find(({ path }) => initial === path || initial.startsWith(`${path}.`))?.key,
      on: named(['event', 'any'], event => event),
      after: named(['after'], event => event.slice('xstate.after.'.length, -id.length - 1)),
      always: many(ofKind('always').get('')) ?? [],
      onDone: many(ofKind('done').get(`xstate.done.state.${id}`)),
      states: Object.fromEntries(states.map(inner => [inner.key, stateOf(inner)])),
    })
  }
  return stateOf(root)
}

const isEmpty = (value: unknown): boolean => value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
const withoutEmpty = (config: Config): Config => Object.fromEntries(Object.entries(config).filter(([, value]) => !isEmpty(value)))
