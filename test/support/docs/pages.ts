import type { AnyStateMachine } from 'xstate'
import { agent } from '../../../machines/agent/index.ts'
import { approval, barrier, batch, circuitBreaker, debounce, rateLimiter, retryBudget, saga, schedule } from '../../../machines/index.ts'
import { debate, handoff, hierarchical, loopUntil, mapReduce, network, parallel, pipeline, router, supervisor, swarm, vote } from '../../../patterns/index.ts'
import { remote } from '../../../src/index.ts'

/** The example of its page. */
const trip = saga<{ readonly days: number }>({
  name: 'trip',
  steps: [
    [{ name: 'flight', do: remote('flight'), undo: remote('cancel') }, { name: 'hotel', do: remote('hotel'), undo: remote('cancel'), timeoutMs: 60_000 }],
    { name: 'guide', do: remote('guide'), when: ({ input }) => input.days > 2 },
    { name: 'pay', do: remote('payment') },
  ],
})

/** Pages with a statechart, and the machine it is drawn from: `docs/<page>.md`. A line per page. */
export const pages: Readonly<Record<string, AnyStateMachine>> = {
  agents: agent({ name: 'support', instructions: '', model: async () => ({ text: '', toolCalls: [], finish: 'stop', usage: { inputTokens: 0, outputTokens: 0 } }) }) as unknown as AnyStateMachine,
  'machines/approval': approval,
  'machines/barrier': barrier,
  'machines/batch': batch,
  'machines/circuit-breaker': circuitBreaker,
  'machines/debounce': debounce,
  'machines/rate-limiter': rateLimiter,
  'machines/retry-budget': retryBudget,
  'machines/saga': trip,
  'machines/schedule': schedule('report'),
  'patterns/debate': debate({ name: 'debate', debaters: ['a', 'b'], judge: 'judge' }),
  'patterns/handoff': handoff({ name: 'handoff', start: 'triage', members: { triage: 'triage', billing: 'billing' } }),
  'patterns/hierarchical': hierarchical({ name: 'hierarchical', manager: 'lead', members: { team: { manager: 'deputy', members: { a: 'a' } } } }),
  'patterns/loop-until': loopUntil({ name: 'loop', refiner: 'writer', critic: 'editor' }),
  'patterns/map-reduce': mapReduce({ name: 'map', map: 'worker' }),
  'patterns/network': network({ name: 'network', start: 'a', members: ['a', 'b'] }),
  'patterns/parallel': parallel({ name: 'parallel', members: ['a', 'b'] }),
  'patterns/pipeline': pipeline({ name: 'pipeline', stages: [{ name: 'nlp', member: 'nlp', healthCheck: 'ping' }, { name: 'data', member: 'data', onFailure: 'skip' }, { name: 'viz', member: 'viz' }] }),
  'patterns/router': router({ name: 'router', routes: ['a', 'b'], classify: 'triage' }),
  'patterns/supervisor': supervisor({ name: 'supervisor', manager: 'lead', members: ['a', 'b'] }),
  'patterns/swarm': swarm({ name: 'swarm', peers: 10, rule: () => undefined }),
  'patterns/vote': vote({ name: 'vote', voters: ['a', 'b'], tieBreaker: 'lead' }),
}

/** Functions of `troupe/machines` and `troupe/patterns` that make no machine, or one that another page shows. */
export const makeNoMachine: ReadonlySet<string> = new Set(['definePattern', 'isComplexTask', 'research', 'swarmCell', 'tiered'])
