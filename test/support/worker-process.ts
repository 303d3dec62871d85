/**
 * A process that runs tasks: `node worker-process.ts <store> <queues as JSON>`.
 * Tells what its tasks do before they do it, and closes when it is told to.
 */
import { createWorker } from 'troupe/worker'
import { toErrorInfo } from '../../src/core/errors.ts'
import { commands, say } from './processes.ts'
import { hearers, machines } from './queue-machines.ts'
import type { TaskFact } from './queue-machines.ts'

export type WorkerFact = TaskFact | { readonly fact: 'ready'; readonly name: string } | { readonly fact: 'closed' } | { readonly fact: 'trouble'; readonly what: string }

const [store = '', queues = ''] = process.argv.slice(2)
hearers.add(say)
const worker = await createWorker({ store, queues: JSON.parse(queues), machines, onError: error => say({ fact: 'trouble', what: toErrorInfo(error).message }) })
say({ fact: 'ready', name: worker.name })
for await (const command of commands<'close'>()) {
  if (command !== 'close') continue
  await worker.close()
  say({ fact: 'closed' })
}
