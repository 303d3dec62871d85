import { createRuntime } from 'troupe'
import { agent } from 'troupe/agents'
import { collectGarbage, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

const MESSAGE_CHARS = 500
const EARLY = { from: 10, to: 60 }
const LATE_TURNS = 50

const text = 'Each turn says about as much as people and models do. '.repeat(10).slice(0, MESSAGE_CHARS)

/** A model that costs nothing, so that what is left is ours. It sees the whole conversation. */
const helper = agent({ name: 'helper', instructions: 'Help.', model: async () => ({ text, toolCalls: [], finish: 'stop', usage: { inputTokens: 1, outputTokens: 1 } }) })

/** Sessions one after the other, each turn answered before the next one is asked. */
async function converse({ sessions, turns, file }: { readonly sessions: number; readonly turns: number; readonly file: string }) {
  const runtime = await createRuntime({ machines: { helper }, store: `sqlite:${file}` })
  const talk = async (key: string) => {
    const session = runtime.actor(helper, key)
    await session.start()
    const turnUs = async (count: number): Promise<number> => {
      collectGarbage()
      const cpu = process.cpuUsage()
      for (let turn = 0; turn < count; turn++) await session.ask({ type: 'user.message', content: text }, { until: 'reply' })
      const { user, system } = process.cpuUsage(cpu)
      return (user + system) / count
    }
    await turnUs(EARLY.from)
    const early = await turnUs(EARLY.to - EARLY.from)
    await turnUs(turns - EARLY.to - LATE_TURNS)
    const late = await turnUs(LATE_TURNS)
    const { context } = await session.snapshot()
    if (context.messages.length !== turns * 2) throw new Error(`${context.messages.length} messages instead of ${turns * 2}`)
    return { early, late }
  }
  // The first one compiles the code.
  await talk('warm-up')
  const results = await rounds(sessions, round => talk(`session-${round}`))
  await runtime.close()
  return results
}

export const bench: Bench = {
  name: 'agent-turns',
  question: 'What does a turn of an agent cost, at the beginning of a conversation and after 500 turns?',
  sides: { converse },
  async run(lab) {
    const results = await lab.measure(converse, { turns: lab.quick ? 150 : 500, sessions: lab.quick ? 3 : 7, file: lab.file('turns.db') })
    return [
      { figure: 'turnRatio', value: median(results.map(({ early, late }) => late / early)), unit: 'x', atMost: 1.5 },
      { figure: 'turnCpuUs', value: median(results.map(({ late }) => late)), unit: 'us' },
    ]
  },
}
