import { createRuntime } from 'troupe'
import { swarm, swarmCell } from 'troupe/patterns'
import type { PeerStep, PeerView } from 'troupe/patterns'
import { costOf, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

interface Population {
  readonly peers: number
  readonly rounds: number
  readonly file: string
}

interface Agent {
  readonly value: number
  readonly heard: number
}

/** Averages what it hears with what it has, and tells its neighbours: each agent steps, writes and sends in each round. */
const average = (roundsWanted: number) => ({ round, state, messages, id }: PeerView<Agent>): PeerStep<Agent> | undefined => {
  const sum = messages.reduce((total, { body }) => total + (body as number), state.value)
  const value = sum / (messages.length + 1)
  if (round + 1 >= roundsWanted) return { state: { value, heard: state.heard + messages.length } }
  return { state: { value, heard: state.heard + messages.length }, send: [{ to: 'neighbours', body: value }], ...(id % 100 === 0 && { write: [{ topic: `sample/${id}`, value }] }) }
}

/** Lets all agents of a durable swarm step in each round, and weighs the process when it has. */
async function steps({ peers, rounds: wanted, file }: Population) {
  const options = { name: 'average', peers, cell: 'cell', neighbourhood: 'grid', topics: [], init: (id: number): Agent => ({ value: id, heard: 0 }), rule: average(wanted) } as const
  const machines = { average: swarm(options), cell: swarmCell(options) }
  const runtime = await createRuntime({ machines, store: `sqlite:${file}` })
  const run = async (key: string): Promise<number> => {
    const actor = runtime.actor(machines.average, key)
    await actor.start({})
    const { status, output, reason } = await actor.result()
    if (status !== 'done' || output?.ended !== 'quiescent') throw new Error(`the swarm is ${status}: ${reason}`)
    return output.steps
  }
  await run('warm-up')
  let taken = 0
  const { wallMs, cpuUs } = await costOf(async () => (taken = await run('measured')))
  await runtime.close()
  return { stepsPerSecond: (taken / wallMs) * 1000, cpuUsPerStep: cpuUs / taken, rssMB: process.resourceUsage().maxRSS / 1024 }
}

export const bench: Bench = {
  name: 'swarm',
  question: 'How many steps per second do the agents of a big durable swarm take on one node, and what memory?',
  sides: { steps },
  async run(lab) {
    const peers = lab.quick ? 2_000 : 10_000
    const results = await rounds(lab.quick ? 1 : 3, round => {
      lab.say(`${peers} agents, round ${round}`)
      return lab.measure(steps, { peers, rounds: 30, file: lab.file(`swarm-${round}.db`) })
    })
    return [
      { figure: 'rssMB', value: Math.max(...results.map(({ rssMB }) => rssMB)), unit: 'MB', atMost: 1500 },
      { figure: 'stepsPerSecond', value: median(results.map(({ stepsPerSecond }) => stepsPerSecond)), unit: 'steps/s' },
      { figure: 'cpuUsPerStep', value: median(results.map(({ cpuUsPerStep }) => cpuUsPerStep)), unit: 'us' },
    ]
  },
}
