import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createRuntime } from 'troupe'
import { z } from 'zod'
import { agent } from 'troupe/agents'
import type { Model, ModelReply } from 'troupe/agents'
import { debate, decision, handoff, hierarchical, loopUntil, mapReduce, move, network, parallel, peerStep, pipeline, router, supervisor, swarm, vote } from 'troupe/patterns'
import { costOf, median, percentile, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

/** Pieces of work that one run of a pattern gives out one after the other, where that is up to us. */
const HOPS = 4
const CONCURRENCY = 16
const PEERS = fileURLToPath(new URL('peers', import.meta.url))

const reply = (text: string): ModelReply => ({ text, toolCalls: [], finish: 'stop', usage: { inputTokens: 1, outputTokens: 1 } })
const says = (make: (task: Record<string, unknown>) => unknown): Model => async ({ messages }) => {
  const [first] = messages
  const task = first?.role === 'user' && typeof first.content === 'string' ? first.content : ''
  return reply(JSON.stringify(make(task.startsWith('{') ? (JSON.parse(task) as Record<string, unknown>) : {})))
}

const common = { instructions: 'Work.' }
const worker = agent({ ...common, name: 'worker', model: async () => reply('ok') })
/** Gives the same member one piece of work after the other. */
const leadOf = (name: string, member: string) =>
  agent({ ...common, name, output: decision, model: says(({ reports }) => ((reports as readonly unknown[]).length < HOPS ? { kind: 'delegate', tasks: [{ member, task: 'work' }] } : { kind: 'finish', answer: 'done' })) })

/** Passes control on until it has changed hands so often. */
const passing = (name: string, other: string) => {
  const model: Model = async ({ messages }) => {
    const handoffs = messages.filter(({ role }) => role === 'tool').length
    return handoffs < HOPS ? { ...reply(''), toolCalls: [{ id: `${name}-${handoffs}`, tool: `transfer_to_${other}`, input: { reason: 'go on' } }], finish: 'tool-calls' } : reply('done')
  }
  return agent({ ...common, name, handoffs: [other], model })
}

const machines = {
  worker,
  lead: leadOf('lead', 'worker'),
  head: leadOf('head', 'team'),
  ada: passing('ada', 'bob'),
  bob: passing('bob', 'ada'),
  writer: agent({ ...common, name: 'writer', output: move, model: says(({ hops }) => ((hops as number) < HOPS ? { send: [{ to: (hops as number) % 2 === 0 ? 'reader' : 'author', content: 'go on' }] } : { answer: 'done' })) }),
  peer: agent({ ...common, name: 'peer', output: peerStep, model: says(({ round }) => ({ again: (round as number) < HOPS - 1 })) }),
  critic: agent({ ...common, name: 'critic', output: z.object({ accepted: z.boolean(), feedback: z.string().optional() }), model: says(({ round }) => ((round as number) < HOPS / 2 ? { accepted: false, feedback: 'again' } : { accepted: true })) }),
  supervisor: supervisor({ name: 'supervisor', manager: 'lead', members: ['worker'] }),
  hierarchical: hierarchical({ name: 'hierarchical', manager: 'head', members: { team: { manager: 'lead', members: { worker: 'worker' } } } }),
  handoff: handoff({ name: 'handoff', start: 'ada', members: { ada: 'ada', bob: 'bob' }, handoffsMax: HOPS, repeatsMax: HOPS }),
  network: network({ name: 'network', start: 'author', members: { author: 'writer', reader: 'writer' } }),
  swarm: swarm({ name: 'swarm', peers: 4, member: 'peer' }),
  pipeline: pipeline({ name: 'pipeline', stages: Array.from({ length: HOPS }, (_, stage) => ({ name: `stage-${stage}`, member: 'worker' })) }),
  parallel: parallel({ name: 'parallel', members: Array.from({ length: HOPS }, () => 'worker') }),
  mapReduce: mapReduce({ name: 'map-reduce', map: 'worker' }),
  vote: vote({ name: 'vote', voters: ['worker', 'worker', 'worker'] }),
  debate: debate({ name: 'debate', debaters: { pro: 'worker', con: 'worker' }, judge: 'worker', rounds: 2 }),
  router: router({ name: 'router', routes: { only: 'worker' }, classify: () => 'only' }),
  loop: loopUntil({ name: 'loop', refiner: 'worker', critic: 'critic' }),
}

const patterns = ['supervisor', 'hierarchical', 'handoff', 'network', 'swarm', 'pipeline', 'parallel', 'mapReduce', 'vote', 'debate', 'router', 'loop'] as const
type Pattern = (typeof patterns)[number]

interface Load {
  readonly pattern: Pattern
  readonly runs: number
  readonly concurrency: number
  readonly file: string
}

interface Members {
  readonly attempts?: number
  readonly members?: readonly Members[]
}

/** Pieces of work that were given out in a run, on all levels. */
const delegations = ({ members = [] }: Members): number => members.reduce((sum, member) => sum + (member.attempts ?? 1) + delegations(member), 0)

/** Runs of a pattern whose members answer at once, so many at a time; what is left is coordination and durability. */
async function run({ pattern, runs, concurrency, file }: Load) {
  const runtime = await createRuntime({ machines, store: `sqlite:${file}` })
  const perDelegationMs: number[] = []
  let given = 0
  const all = async (batch: string): Promise<void> => {
    let next = 0
    given = 0
    perDelegationMs.length = 0
    const lane = async (): Promise<void> => {
      while (next < runs) {
        const actor = runtime.actor(machines[pattern], `${batch}-${next++}`)
        const began = performance.now()
        await actor.start({ task: pattern === 'mapReduce' ? ['a', 'b', 'c', 'd'] : 'work' })
        const outcome = await actor.result()
        if (outcome.status !== 'done') throw new Error(`${pattern} is ${outcome.status}: ${outcome.reason}`)
        const count = countOf(pattern, outcome)
        given += count
        perDelegationMs.push((performance.now() - began) / count)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, lane))
  }
  await all('warm-up')
  const cost = await costOf(() => all('measured'))
  await runtime.close()
  return { ...cost, given, perDelegationMs }
}

/** What peers of a swarm and both seats of a handoff do is not listed one by one. */
function countOf(pattern: Pattern, outcome: Members): number {
  if (pattern === 'handoff') return HOPS
  return pattern === 'swarm' ? 4 * HOPS : delegations(outcome)
}

type Peer = (load: { readonly runs: number; readonly hops: number; readonly concurrency: number; readonly file: string }) => Promise<{ readonly wallMs: number; readonly cpuUs: number }>

/** LangGraph's own pattern on its SQLite checkpointer. */
async function langGraph({ graph, ...load }: { readonly graph: 'supervisor' | 'swarm'; readonly runs: number; readonly hops: number; readonly concurrency: number; readonly file: string }) {
  const peer = (await import(new URL('peers/langgraph.js', import.meta.url).href)) as Record<typeof graph, Peer>
  return peer[graph](load)
}

/** What is measured beside is no dependency of the package. */
function installPeers(say: (text: string) => void): void {
  if (existsSync(`${PEERS}/node_modules`)) return
  say('installing LangGraph JS in bench/peers')
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: PEERS, stdio: ['ignore', 2, 'inherit'] })
}

export const bench: Bench = {
  name: 'patterns',
  question: 'What does a delegation cost in each pattern when models answer at once, and how does LangGraph JS compare?',
  sides: { run, langGraph },
  async run(lab) {
    installPeers(text => lab.say(text))
    const runs = lab.quick ? 20 : 150
    const figures = []
    for (const pattern of patterns) {
      lab.say(pattern)
      const measured = await rounds(lab.quick ? 1 : 3, round => lab.measure(run, { pattern, runs, concurrency: 1, file: lab.file(`${pattern}-${round}.db`) }))
      const times = measured.flatMap(({ perDelegationMs }) => perDelegationMs)
      figures.push({ figure: `${pattern}P50Ms`, value: median(times), unit: 'ms', atMost: 3 })
      figures.push({ figure: `${pattern}P99Ms`, value: percentile(times, 0.99), unit: 'ms', atMost: 15 })
    }
    // What LangGraph calls a swarm is our handoff: agents that pass control on.
    for (const [graph, pattern] of [['supervisor', 'supervisor'], ['swarm', 'handoff']] as const) {
      const measured = await rounds(lab.quick ? 1 : 3, async round => {
        lab.say(`${pattern} beside LangGraph's ${graph}, round ${round}`)
        const load = { runs, concurrency: CONCURRENCY }
        const ours = await lab.measure(run, { ...load, pattern, file: lab.file(`${pattern}.db`) })
        const theirs = await lab.measure(langGraph, { ...load, graph, hops: HOPS, file: lab.file(`${graph}.db`) })
        return { ours: (runs * HOPS) / ours.wallMs, theirs: (runs * HOPS) / theirs.wallMs, cpu: theirs.cpuUs / ours.cpuUs }
      })
      figures.push({ figure: `${graph}VsLangGraph`, value: median(measured.map(({ ours, theirs }) => ours / theirs)), unit: 'x', atLeast: 5 })
      figures.push({ figure: `${graph}PerSecond`, value: median(measured.map(({ ours }) => ours * 1000)), unit: 'delegations/s' })
      figures.push({ figure: `${graph}CpuVsLangGraph`, value: median(measured.map(({ cpu }) => cpu)), unit: 'x' })
    }
    return figures
  },
}
