import { describe, expect, test } from 'vitest'
import { createMemoryStore } from 'troupe/testing'
import { createWorker } from 'troupe/worker'
import { machines } from '../support/queue-machines.ts'

/** Nobody is asked there: options are looked at first. */
const store = 'redis://127.0.0.1:1'

describe('what createWorker refuses', () => {
  const refusal = (message: string) => expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) })

  test.each([
    ['a store without queues', { store: 'memory:', machines, queues: { gpu: {} } }, 'needs a store with shared queues'],
    ['a given store without queues', { store: createMemoryStore(), machines, queues: { gpu: {} } }, 'needs a store with shared queues'],
    ['no queues', { machines, queues: {} }, 'needs queues'],
    ['queues that are not there', { machines }, 'needs queues'],
    ['nothing to run', { queues: { gpu: {} } }, 'nothing to run'],
    ['a queue that makes no sense', { machines, queues: { gpu: { concurrency: 0 } } }, 'queues.gpu.concurrency'],
    ['the queue of the nodes themselves', { machines, queues: { default: {} } }, 'default'],
    ['a task that is none', { tasks: { 'job/work': 3 }, queues: { gpu: {} } }, "tasks['job/work']"],
    ['a limit that is none', { machines, queues: { gpu: {} }, limits: { taskMax: 1 } }, 'limits.taskMax'],
  ])('%s', async (_what, options, message) => {
    await expect(createWorker({ store, ...options } as never)).rejects.toEqual(refusal(message))
  })
})
