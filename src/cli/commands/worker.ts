import { once } from 'node:events'
import { TroupeError } from '../../core/errors.ts'
import type { Run } from '../command.ts'
import { loadConfig } from '../config.ts'

interface Options {
  readonly queue?: readonly string[]
}

export const worker: Run<Options> = async ({ options, out, signal }) => {
  const { machines, queues: configured, store: own, limits, codec, workers } = await loadConfig(options.config)
  const queues = options.queue ? Object.fromEntries(options.queue.map(readQueue)) : configured
  const store = options.store ?? own
  if (store === undefined) throw new TroupeError('config/invalid', 'which store? Name it with --store, or export `store` from the config')
  if (queues === undefined) throw new TroupeError('config/invalid', 'which queues? Name them with --queue NAME=CONCURRENCY, or export `queues` from the config')
  const { createWorker } = await import('../../create-worker.ts')
  const running = await createWorker({ store, queues, machines, ...(limits && { limits }), ...(codec && { codec }), ...(workers && { workers }) })
  out.answer({ worker: running.name, queues: Object.keys(queues), pid: process.pid }, () => out.line('Worker ', out.paint('bold', running.name), ` serves ${Object.keys(queues).join(', ')}; ctrl-c ends it.`))
  if (!signal.aborted) await once(signal, 'abort')
  if (!out.json) out.note(`Ending: ${running.running} tasks go back to their queue.`)
  await running.close()
  return 0
}

function readQueue(given: string): readonly [string, { concurrency: number }] {
  const [, name, concurrency] = /^([^=]+)=(\d{1,4})$/.exec(given) ?? []
  if (name === undefined) throw new TroupeError('usage/invalid', `--queue must be NAME=CONCURRENCY such as gpu=2, not '${given}'`)
  return [name, { concurrency: Number(concurrency) }]
}
