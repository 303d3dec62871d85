/** A node that starts jobs and serves no queue: `node job-process.ts <store> <lease in milliseconds>`; it is told their orders by key. */
import { createRuntime } from 'troupe'
import { toErrorInfo } from '../../src/core/errors.ts'
import { commands, say } from './processes.ts'
import { machines } from './queue-machines.ts'
import type { Order } from './queue-machines.ts'

export interface JobCommand {
  readonly key: string
  readonly order: Order
}

export type JobFact = { readonly fact: 'ready' } | { readonly fact: 'started'; readonly key: string } | { readonly fact: 'trouble'; readonly what: string }

const [store = '', leaseTtlMs = ''] = process.argv.slice(2)
const trouble = (error: unknown): void => say({ fact: 'trouble', what: toErrorInfo(error).message })
const runtime = await createRuntime({ machines, store, limits: { leaseTtlMs: Number(leaseTtlMs) }, onError: trouble })
say({ fact: 'ready' })
for await (const { key, order } of commands<JobCommand>()) {
  runtime.actor('job', key).start(order).then(() => say({ fact: 'started', key }), trouble)
}
