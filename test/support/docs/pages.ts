import type { AnyStateMachine } from 'xstate'
import { agent } from '../../../machines/agent/index.ts'
import { barrier, batch, debounce, retryBudget, schedule } from '../../../machines/index.ts'
import { debate, loopUntil, mapReduce, parallel, pipeline, router, vote } from '../../../patterns/index.ts'

/** Pages with a statechart, and the machine it is drawn from: `docs/<page>.md`. A line per page. */
export const pages: Readonly<Record<string, AnyStateMachine>> = {
  agents: agent({ name: 'support', instructions: '', model: async () => ({ text: '', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }) }) as unknown as AnyStateMachine,
  'machines/barrier': barrier,
  'machines/batch': batch,
  'machines/debounce': debounce,
  'machines/retry-budget': retryBudget,
  'machines/schedule': schedule('report'),
  'patterns/debate': debate({ name: 'debate', debaters: ['a', 'b'], judge: 'judge' }),
  'patterns/loop-until': loopUntil({ name: 'loop', refiner: 'writer', critic: 'editor' }),
  'patterns/map-reduce': mapReduce({ name: 'map', map: 'worker' }),
  'patterns/parallel': parallel({ name: 'parallel', members: ['a', 'b'] }),
  'patterns/pipeline': pipeline({ name: 'pipeline', stages: [{ name: 'nlp', member: 'nlp', healthCheck: 'ping' }, { name: 'data', member: 'data', onFailure: 'skip' }, { name: 'viz', member: 'viz' }] }),
  'patterns/router': router({ name: 'router', routes: ['a', 'b'], classify: 'triage' }),
  'patterns/vote': vote({ name: 'vote', voters: ['a', 'b'], tieBreaker: 'lead' }),
}

/** Functions of `troupe/machines` and `troupe/patterns` that make no machine, or one that another page shows. */
export const makeNoMachine: ReadonlySet<string> = new Set(['definePattern', 'isComplexTask', 'tiered'])
