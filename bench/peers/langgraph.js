/**
 * LangGraph JS with its own supervisor and swarm packages and its SQLite checkpointer, under models that answer at once.
 * The checkpointer is given `node:sqlite` in place of the driver it comes with, which has to be compiled: same file, same
 * settings (WAL, fsync at each commit), same version of Node as the other side.
 */
import { DatabaseSync } from 'node:sqlite'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage } from '@langchain/core/messages'
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite'
import { createReactAgent } from '@langchain/langgraph/prebuilt'
import { createSupervisor } from '@langchain/langgraph-supervisor'
import { createHandoffTool, createSwarm } from '@langchain/langgraph-swarm'

/** A model that answers at once with what a function makes of the conversation. */
class InstantModel extends BaseChatModel {
  constructor(answer) {
    super({})
    this.answer = answer
  }

  _llmType() {
    return 'instant'
  }

  bindTools() {
    return this
  }

  async _generate(messages) {
    const message = this.answer(messages)
    return { generations: [{ text: message.text, message }] }
  }
}

/** The part of its driver's interface that the checkpointer uses. */
function openDatabase(path) {
  const db = new DatabaseSync(path)
  return {
    prepare: sql => {
      const statement = db.prepare(sql)
      const run = (...values) => statement.run(...values.map(value => value ?? null))
      return { run, get: (...values) => statement.get(...values), all: (...values) => statement.all(...values) }
    },
    exec: sql => db.exec(sql),
    pragma: text => db.exec(`PRAGMA ${text}`),
    transaction: work => (...args) => {
      db.exec('BEGIN')
      try {
        const result = work(...args)
        db.exec('COMMIT')
        return result
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
  }
}

let calls = 0
const callTool = name => new AIMessage({ content: '', tool_calls: [{ name, args: {}, id: `call-${++calls}`, type: 'tool_call' }] })
const toolMessages = (messages, name) => messages.filter(message => message.getType() === 'tool' && message.name === name).length

function supervisorGraph(checkpointer, delegations) {
  const manager = new InstantModel(messages => (toolMessages(messages, 'transfer_to_worker') < delegations ? callTool('transfer_to_worker') : new AIMessage('done')))
  const worker = createReactAgent({ llm: new InstantModel(() => new AIMessage('ok')), tools: [], name: 'worker', prompt: 'Work.' })
  return createSupervisor({ agents: [worker], llm: manager, prompt: 'Delegate.', outputMode: 'last_message' }).compile({ checkpointer })
}

function swarmGraph(checkpointer, handoffs) {
  const agent = (name, other) => {
    const model = new InstantModel(messages => (messages.filter(message => message.getType() === 'tool').length < handoffs ? callTool(`transfer_to_${other}`) : new AIMessage('done')))
    return createReactAgent({ llm: model, tools: [createHandoffTool({ agentName: other })], name, prompt: 'Talk.' })
  }
  return createSwarm({ agents: [agent('ada', 'bob'), agent('bob', 'ada')], defaultActiveAgent: 'ada' }).compile({ checkpointer })
}

async function runAll(graph, { runs, concurrency }, prefix) {
  let next = 0
  const latencies = []
  const lane = async () => {
    while (next < runs) {
      const began = performance.now()
      const { messages } = await graph.invoke({ messages: [{ role: 'user', content: 'Go.' }] }, { configurable: { thread_id: `${prefix}-${next++}` }, recursionLimit: 1_000 })
      latencies.push(performance.now() - began)
      if (messages.at(-1)?.text !== 'done') throw new Error(`a run of LangGraph ended with ${JSON.stringify(messages.at(-1))}`)
    }
  }
  const cpu = process.cpuUsage()
  const began = performance.now()
  await Promise.all(Array.from({ length: concurrency }, lane))
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuUs: user + system, latencies }
}

/** So many runs of so many delegations or handoffs each; gives back what a second round of them took. */
async function measure(makeGraph, load) {
  const graph = makeGraph(new SqliteSaver(openDatabase(load.file)), load.hops)
  await runAll(graph, load, 'warm-up')
  return runAll(graph, load, 'measured')
}

export const supervisor = load => measure(supervisorGraph, load)
export const swarm = load => measure(swarmGraph, load)
