import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { TroupeError, createRuntime } from 'troupe'
import { Conversation, label } from './conversation.ts'
import type { Ask } from './conversation.ts'
import { createDesk } from './desk.ts'
import { customers } from './shop.ts'

const help = `A support desk: triage, billing and tech hand a customer over to each other; refunds need your yes.

  npx node --conditions=troupe-source examples/04-support-desk/main.ts [--customer ann|ben]

Type as the customer, a line for each message; Ctrl-D leaves, and the next start goes on where it was.`

async function main(): Promise<number> {
  const { values: { customer, help: isHelp } } = parseArgs({ options: { customer: { type: 'string', default: 'ann' }, help: { type: 'boolean', short: 'h' } } })
  if (isHelp) return console.log(help), 0
  if (!customers.has(customer)) throw new Error(`there is no customer '${customer}'; there are ${[...customers].join(', ')}`)

  await using runtime = await createRuntime({ machines: await createDesk('./data/support-desk/book.jsonl'), store: 'sqlite:./data/support-desk/desk.db' })
  const ask = askStdin()
  const conversation = new Conversation(runtime, customer, ask)
  await runtime.actor('desk', customer).start({ data: { customer } })
  await conversation.recall()
  for (;;) {
    if (!(await conversation.hear())) break
    const words = await ask(customer)
    if (words === undefined) return 0
    if (words.trim() !== '') await conversation.say(words)
  }
  console.log('Nobody has decided. Start again to do so: the desk waits.')
  return 0
}

/** Lines of stdin, typed or piped; what is piped is shown as if it were typed. */
function askStdin(): Ask {
  const { stdin, stdout } = process
  const input = createInterface({ input: stdin, ...(stdin.isTTY && { output: stdout }) })
  const lines = input[Symbol.asyncIterator]()
  return async name => {
    input.setPrompt(label(name))
    if (stdin.isTTY) input.prompt()
    const { value, done } = await lines.next()
    if (done && stdin.isTTY) console.log()
    if (done) return undefined
    if (!stdin.isTTY) console.log(label(name) + value)
    return value
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`support-desk: ${(error as Error).message}`)
  process.exitCode = error instanceof TroupeError ? error.exitCode : 2
}
