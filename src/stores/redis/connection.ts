import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'ioredis'
import type { Cluster, Redis } from 'ioredis'
import { TroupeError } from '../../core/errors.ts'
import { toStoreError } from './redis-errors.ts'

/** One file per verb in `lua/`; each names its keys, arguments, answer and guarantee, and what it uses of `lua/parts`. */
const scriptNames = [
  'accept', 'announce', 'answer', 'append', 'claim', 'commit', 'expired', 'history', 'journal', 'letters', 'list', 'load', 'open', 'outbox', 'parked', 'past', 'release', 'renew', 'retire', 'runs', 'sweep', 'take', 'tally',
  'queue/cancel', 'queue/configure', 'queue/extend', 'queue/finish', 'queue/missing', 'queue/publish', 'queue/put', 'queue/results', 'queue/retire', 'queue/return', 'queue/settle', 'queue/take', 'queue/view',
] as const
export type ScriptName = (typeof scriptNames)[number]

interface Script {
  readonly text: string
  readonly sha: string
}

export type Argument = string | number

/** A client and the scripts it runs; every error of it is one of Troupe's. */
export class Connection {
  readonly client: Redis | Cluster
  /** How messages name the server. */
  readonly name: string
  readonly #scripts: ReadonlyMap<ScriptName, Script>
  /** Replicas that must have a write before it counts; 0 for none. */
  readonly #replicas: number
  #closed = false

  constructor(client: Redis | Cluster, { name, replicas }: { readonly name: string; readonly replicas: number }) {
    this.client = client
    this.name = name
    this.#replicas = replicas
    this.#scripts = new Map(scriptNames.map(script => [script, readScript(script)]))
  }

  /** For those who run a script without this process. */
  textOf(script: ScriptName): string {
    return (this.#scripts.get(script) as Script).text
  }

  /** Runs a script. Where Redis has forgotten it, it is given the text again. */
  async run(script: ScriptName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const { text, sha } = this.#scripts.get(script) as Script
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    return this.call(async client => {
      try {
        return await client.call('EVALSHA', [sha, ...rest])
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
        return client.call('EVAL', [text, ...rest])
      }
    })
  }

  /** Runs a script that writes what must last: it counts once enough replicas have it. */
  async write(script: ScriptName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    if (this.#replicas === 0) return this.run(script, keys, args)
    const { text, sha } = this.#scripts.get(script) as Script
    const rest = [String(keys.length), ...keys, ...args.map(String)]
    return this.call(async client => {
      let body = ['evalsha', sha]
      for (let tries = 1; ; tries++) {
        try {
          return await this.#writeOnce('nodes' in client ? nodeOf(client, keys[0] ?? '') : client, [...body, ...rest])
        } catch (error) {
          const { message } = error as Error
          if (message.startsWith('NOSCRIPT')) body = ['eval', text]
          else if (!('nodes' in client) || !/^(?:MOVED|ASK|TRYAGAIN|READONLY|no node serves) /.test(message) || tries >= TRIES_MAX) throw error
          else await lookAgain(client)
        }
      }
    })
  }

  /** WAIT speaks of what its own connection has done. A client of a cluster may take another one for it, or follow a slot on its way: so both go to one node. */
  async #writeOnce(node: Redis, script: readonly string[]): Promise<unknown> {
    const answers = await node.pipeline([[...script], ['wait', this.#replicas, REPLICA_WAIT_MS]]).exec()
    const [[refusal, result], [failure, reached]] = answers as [[Error | null, unknown], [Error | null, number]]
    const error = refusal ?? failure
    if (error) throw error
    if (reached >= this.#replicas) return result
    throw new TroupeError('store/failed', `${this.name}: ${reached} of ${this.#replicas} replicas have a write that durability=failover asks for, after ${REPLICA_WAIT_MS} ms`, {
      details: { server: this.name, reached, asked: this.#replicas },
    })
  }

  async call<T>(work: (client: Redis | Cluster) => Promise<T>): Promise<T> {
    if (this.#closed) throw new TroupeError('store/failed', `the connection to ${this.name} is closed`, { details: { server: this.name } })
    try {
      return await work(this.client)
    } catch (error) {
      throw toStoreError(error, this.name)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // What is under way is answered first; a server that is gone answers nothing.
    await this.client.quit().catch(() => this.client.disconnect())
  }
}

const REPLICA_WAIT_MS = 1_000
/** Looks for the node of a slot, as many as the client itself takes. */
const TRIES_MAX = 16
const LOOK_AGAIN_MS = 50

/** A slot is elsewhere, or on its way: then nobody has all its keys, and it is waited for. */
async function lookAgain(cluster: Cluster): Promise<void> {
  await sleep(LOOK_AGAIN_MS)
  // What it could not learn now it learns with the next look.
  await new Promise<void>(resolve => cluster.refreshSlotsCache(() => resolve()))
}

/** The primary that serves a key. */
function nodeOf(cluster: Cluster, key: string): Redis {
  const slot = new Command('GET', [key]).getSlot()
  const [name] = (slot === undefined || slot === null ? undefined : cluster.slots[slot]) ?? []
  const node = cluster.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === name)
  if (!node) throw new Error(`no node serves the slot ${slot} of ${key}`)
  return node
}

/** The parts that a script uses stand before it: Redis is given one text, and knows no modules. */
function readScript(name: ScriptName): Script {
  const script = readLua(name)
  const [, used] = /^-- USES +(.+)$/m.exec(script) ?? []
  const text = [...(used?.split(', ').map(part => readLua(`parts/${part}`)) ?? []), script].join('')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

const readLua = (path: string): string => readFileSync(new URL(`./lua/${path}.lua`, import.meta.url), 'utf8')
