import type { WebSocket } from 'ws'
import type { Client, OutputOf } from '../../core/client/client.ts'
import { definitionOf } from '../../graph/chart-definition.ts'
import type { LiveLimits } from '../live/limits.ts'
import type { Place } from '../live/live.ts'
import { Pulse } from '../live/pulse.ts'
import { sendText } from '../live/send-text.ts'
import { problemOf } from '../problem.ts'

type Snapshot = OutputOf<'snapshot'>
type Step = OutputOf<'history'>['steps'][number]

/** Actors remembered as told of; then all are told of anew. */
const ACTORS_MAX = 10_000
/** Of the protocol. */
const VERSION = '0.7.2'

/**
 * `/stately/export?address=order/42`, or `?machine=order`, `?run=…`: our actors in the protocol of Stately's inspector, from now on.
 * Each is told of with its machine before its first event.
 */
export const exportStately = (limits: LiveLimits): Place['serve'] => (socket, { client }, { pathname, searchParams }) => {
  const ending = new AbortController()
  const pulse = new Pulse(socket, limits, () => undefined)
  socket.on('message', () => pulse.count())
  socket.on('close', () => ending.abort())
  const send = (message: unknown): Promise<void> => sendText(socket, JSON.stringify(message), limits.waitingBytesMax)
  exportSteps(new Exporter(client, send), client, Object.fromEntries(searchParams), ending.signal)
    .then(() => socket.close(1000))
    .catch((error: unknown) => fail(socket, send({ type: 'error', id: null, problem: problemOf(error, pathname, '') })))
}

function fail(socket: WebSocket, told: Promise<void>): void {
  void told.then(() => socket.close(1000))
}

async function exportSteps(exporter: Exporter, client: Client, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const { address, ...filter } = query
  if (address === undefined) {
    for await (const item of client.follow(filter, { signal })) if (item.type === 'step') await exporter.step(item.step.address, item.step)
    return
  }
  const { lastSeq } = await exporter.actor(address)
  for await (const item of client.watch({ address, from: lastSeq }, { signal })) if (item.type === 'step') await exporter.step(address, item.step)
}

class Exporter {
  readonly #client: Client
  readonly #send: (message: unknown) => Promise<void>
  readonly #definitions = new Map<string, string | undefined>()
  /** Roots of runs by actor: those that were told of. */
  readonly #roots = new Map<string, string>()

  constructor(client: Client, send: (message: unknown) => Promise<void>) {
    this.#client = client
    this.#send = send
  }

  async actor(address: string, at?: number): Promise<Snapshot> {
    const snapshot = await this.#client.snapshot({ address, ...(at !== undefined && { at }) })
    const { machine: name, run, parent, createdAt } = snapshot
    if (!this.#definitions.has(name)) {
      const { chart } = await this.#client.machine({ name })
      this.#definitions.set(name, chart ? JSON.stringify(definitionOf(chart)) : undefined)
    }
    if (this.#roots.size >= ACTORS_MAX) this.#roots.clear()
    this.#roots.set(address, run)
    await this.#send({
      type: '@xstate.actor', name: address, sessionId: address, rootId: run, ...(parent !== null && { parentId: parent }),
      definition: this.#definitions.get(name), snapshot: shown(snapshot), createdAt: String(createdAt), id: address, _version: VERSION,
    })
    return snapshot
  }

  async step(address: string, { seq, at, kind, event, from }: Step): Promise<void> {
    if (!this.#roots.has(address)) await this.actor(address, seq)
    const snapshot = await this.#client.snapshot({ address, at: seq })
    const about = { sessionId: address, rootId: this.#roots.get(address), event: event ?? { type: `troupe.${kind}` }, createdAt: String(at), _version: VERSION }
    await this.#send({ type: '@xstate.event', ...about, sourceId: from, id: `${address}#${seq}` })
    await this.#send({ type: '@xstate.snapshot', ...about, snapshot: shown(snapshot), id: `${address}#${seq}` })
  }
}

const STATUSES: Readonly<Record<string, string>> = { done: 'done', failed: 'error', stopped: 'stopped', cancelled: 'stopped' }

const shown = ({ status, value, context, output, error, failure, tags }: Snapshot): Readonly<Record<string, unknown>> => ({
  status: STATUSES[status] ?? 'active', value, context, output, error: error ?? failure ?? undefined, tags, children: {}, historyValue: {},
})
