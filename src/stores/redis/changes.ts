import type { Cluster, Redis } from 'ioredis'
import type { Change, SubscribeScope } from '../../core/store.ts'
import { channels } from './keys.ts'

type Listener = (change?: Change) => void

/**
 * Tells listeners what other handles may have changed, by Redis pub/sub on a connection of its own, opened with the first
 * listener. A message may be lost with the connection, so after each (re)connection everything may have changed.
 */
export class Changes {
  readonly #connect: () => Redis | Cluster
  readonly #prefix: string
  readonly #listeners = new Map<string, Set<Listener>>()
  #client: Redis | Cluster | undefined
  #closed = false

  constructor(prefix: string, connect: () => Redis | Cluster) {
    this.#prefix = prefix
    this.#connect = connect
  }

  subscribe(listener: Listener, scope: SubscribeScope | undefined): () => void {
    const entry: Listener = change => listener(change)
    const names = this.#channelsOf(scope)
    for (const name of names) this.#add(name, entry)
    return () => {
      for (const name of names) this.#remove(name, entry)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#listeners.clear()
    this.#client?.disconnect()
  }

  /** A pattern ends with `*`. */
  #channelsOf(scope: SubscribeScope | undefined): readonly string[] {
    if (scope === undefined) return [`${this.#prefix}:*`]
    if ('queue' in scope) return [channels.queue(this.#prefix, scope.queue)]
    if ('partition' in scope) return [channels.partition(this.#prefix, scope.partition)]
    return [channels.node(this.#prefix, scope.node), channels.leases(this.#prefix)]
  }

  #add(channel: string, listener: Listener): void {
    const known = this.#listeners.get(channel)
    if (known) {
      known.add(listener)
      // It may have been asked for after the last message.
      queueMicrotask(() => known.has(listener) && listener())
      return
    }
    this.#listeners.set(channel, new Set([listener]))
    this.#follow(channel)
  }

  #remove(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel)
    if (!listeners?.delete(listener) || listeners.size > 0) return
    this.#listeners.delete(channel)
    const client = this.#client
    if (!client || this.#closed) return
    void (channel.endsWith('*') ? client.punsubscribe(channel) : client.unsubscribe(channel)).catch(() => undefined)
  }

  /** Subscribes at once, or as soon as there is a connection. */
  #follow(channel: string): void {
    const client = this.#open()
    if (client.status !== 'ready') return
    const asked = channel.endsWith('*') ? client.psubscribe(channel) : client.subscribe(channel)
    // What failed is asked for again at the next connection.
    asked.then(() => this.#tell(channel), () => undefined)
  }

  #open(): Redis | Cluster {
    if (this.#client) return this.#client
    const client = this.#connect()
    this.#client = client
    client.on('message', (channel: string, text: string) => this.#tell(channel, changeOf(text)))
    client.on('pmessage', (pattern: string, _channel: string, text: string) => this.#tell(pattern, changeOf(text)))
    client.on('ready', () => {
      for (const channel of this.#listeners.keys()) this.#follow(channel)
    })
    client.connect().catch(() => undefined)
    return client
  }

  #tell(channel: string, change?: Change): void {
    if (this.#closed) return
    for (const listener of this.#listeners.get(channel) ?? []) listener(change)
  }
}

const texts: readonly (readonly [RegExp, (found: readonly string[]) => Change])[] = [
  [/^inbox (\d+)$/, ([, partition]) => ({ kind: 'inbox', partition: Number(partition) })],
  [/^replies$/, () => ({ kind: 'replies' })],
  [/^results (.+) ([\d,]+)$/, ([, queue = '', partitions = '']) => ({ kind: 'results', queue, partitions: partitions.split(',').map(Number) })],
  [/^waiting$/, () => ({ kind: 'waiting' })],
  [/^cancelled (.+)$/s, ([, id = '']) => ({ kind: 'cancelled', id })],
  [/^progress (.+)$/s, ([, data = '']) => ({ kind: 'progress', data })],
]

/** What a message on a channel says; everything else says only that something has changed. */
function changeOf(text: string): Change | undefined {
  for (const [pattern, read] of texts) {
    const found = pattern.exec(text)
    if (found) return read(found)
  }
  return undefined
}
