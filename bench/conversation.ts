import { readFileSync } from 'node:fs'
import { assign, setup } from 'xstate'
import { createRuntime } from 'troupe'
import { bytesOf, openObservedStore } from './observed-store.ts'
import { collectGarbage, median, rounds } from './harness.ts'
import type { Bench } from './harness.ts'

const MESSAGE_BYTES = 1024
const EARLY = { from: 10, to: 60 }
const LATE = { from: 950, to: 1000 }

interface ChatMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** An agent's context: it grows by a message per turn. */
const chat = setup({
  types: { context: {} as { readonly messages: readonly ChatMessage[] }, events: {} as { readonly type: 'SAY'; readonly message: ChatMessage } },
  actions: { append: assign({ messages: ({ context, event }) => [...context.messages, event.message] }) },
}).createMachine({
  id: 'chat',
  context: { messages: [] },
  initial: 'user',
  states: {
    user: { on: { SAY: { target: 'assistant', actions: 'append' } } },
    assistant: { on: { SAY: { target: 'user', actions: 'append' } } },
  },
})

/** A message that no other one repeats. */
function messageOf(turn: number): ChatMessage {
  let content = ''
  for (let word = 0; content.length < MESSAGE_BYTES; word++) content += `${((turn * 7919 + word * 104_729) % 1_000_003).toString(36)} `
  return { role: turn % 2 === 0 ? 'user' : 'assistant', content: content.slice(0, MESSAGE_BYTES) }
}

/** Several conversations, one after the other, each turn durable before the next one. */
async function converse({ conversations, turns, file }: { readonly conversations: number; readonly turns: number; readonly file: string }) {
  const messages = Array.from({ length: turns }, (_, turn) => messageOf(turn))
  let written = 0
  const store = await openObservedStore({ path: file }, commit => (written += bytesOf(commit)))
  const runtime = await createRuntime({ machines: { chat }, store })
  const talk = async (key: string) => {
    const handle = runtime.actor(chat, key)
    await handle.start()
    const turnUs = async ({ from, to }: { readonly from: number; readonly to: number }): Promise<number> => {
      const cpu = process.cpuUsage()
      for (const message of messages.slice(from, to)) await handle.send({ type: 'SAY', message })
      const { user, system } = process.cpuUsage(cpu)
      return (user + system) / (to - from)
    }
    const [bytesBefore, fileBefore] = [written, bytesToFiles()]
    await turnUs({ from: 0, to: EARLY.from })
    collectGarbage()
    const early = await turnUs(EARLY)
    const late = LATE.to - LATE.from
    const middle = await turnUs({ from: EARLY.to, to: turns - late })
    collectGarbage()
    const end = await turnUs({ from: turns - late, to: turns })
    const { value, context } = await handle.snapshot()
    const stateBytes = Buffer.byteLength(JSON.stringify({ value, context }))
    if (context.messages.length !== turns) throw new Error(`${context.messages.length} messages instead of ${turns}`)
    return { early, middle, end, bytesRatio: (written - bytesBefore) / stateBytes, fileRatio: (bytesToFiles() - fileBefore) / stateBytes }
  }
  // The first one compiles the code.
  await talk('warm-up')
  const results = await rounds(conversations, round => talk(`chat-${round}`))
  await runtime.close()
  await store.close()
  return results
}

/** What this process has given to the operating system to write; NaN where it does not say. */
function bytesToFiles(): number {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
  } catch {
    return Number.NaN
  }
}

export const bench: Bench = {
  name: 'conversation',
  question: 'What does a growing context cost per turn, in bytes and in CPU?',
  sides: { converse },
  async run(lab) {
    const turns = lab.quick ? 300 : LATE.to
    const results = (
      await rounds(lab.quick ? 1 : 3, round => {
        lab.say(`round ${round}`)
        return lab.measure(converse, { turns, conversations: lab.quick ? 3 : 7, file: lab.file('chats.db') })
      })
    ).flat()
    const of = (figure: (result: (typeof results)[number]) => number): number => median(results.map(figure))
    const fileRatio = of(result => result.fileRatio)
    return [
      { figure: 'bytesRatio', value: of(({ bytesRatio }) => bytesRatio), unit: 'x', atMost: 4 },
      { figure: 'turnRatio', value: of(({ early, end }) => end / early), unit: 'x', atMost: 2 },
      { figure: 'turnCpuUs', value: of(({ end }) => end), unit: 'us' },
      // Bases are written seldom and outside both windows, so this one shows them.
      { figure: 'turnRatioWithFolds', value: of(({ early, middle }) => middle / early), unit: 'x' },
      ...(Number.isNaN(fileRatio) ? [] : [{ figure: 'fileRatio', value: fileRatio, unit: 'x' }]),
    ]
  },
}
