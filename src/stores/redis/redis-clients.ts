import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { createSecureContext, connect as connectTls } from 'node:tls'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import type { CommonRedisOptions } from 'ioredis'
import { TroupeError } from '../../core/errors.ts'
import { serverFault } from './boot-check.ts'
import { toStoreError } from './redis-errors.ts'
import type { RedisAddress, TlsFiles } from './redis-url.ts'

/** How long opening may wait for a first connection, in milliseconds. */
const CONNECT_MS = 5_000
/** How long a call may go without an answer, in milliseconds; then its outcome is unknown. */
const ANSWER_MS = 5_000
const RECONNECT_MS_MAX = 1_000
/** How long a server may take to say what it has against a handshake, in milliseconds. */
const HANDSHAKE_MS = 1_000

/** Makes the clients of one address. Files of TLS are read once. */
export class RedisClients {
  readonly #address: RedisAddress
  readonly #name: string
  readonly #tls: ConnectionOptions | undefined

  private constructor(address: RedisAddress, name: string, secureContext: SecureContext | undefined) {
    const [host] = hostOf(address)
    this.#address = address
    this.#name = name
    // The nodes of a cluster have names of their own.
    this.#tls = secureContext && { secureContext, ...(!address.isCluster && isIP(host) === 0 && { servername: host }) }
  }

  /** Throws `config/invalid` when the files of TLS cannot be used. `name` is how messages call the server. */
  static async of(address: RedisAddress, name: string): Promise<RedisClients> {
    return new RedisClients(address, name, address.tls && (await readTls(address.tls, name)))
  }

  /** Connects by itself again, for as long as it is not closed. */
  #create(db = this.#address.db): Redis | Cluster {
    const { nodes, isCluster } = this.#address
    const reconnectMs = (times: number): number => Math.min(RECONNECT_MS_MAX, 20 * times)
    if (!isCluster) return this.#createOfOne({ db, retryStrategy: reconnectMs })
    // A certificate is for names: they must not be resolved before it is looked at.
    const names = this.#tls && { dnsLookup: (hostname: string, found: (error: null, address: string) => void) => found(null, hostname) }
    return new Cluster([...nodes], { ...names, redisOptions: this.#options, lazyConnect: true, clusterRetryStrategy: reconnectMs })
  }

  #createOfOne(options: Pick<CommonRedisOptions, 'db' | 'enableReadyCheck' | 'retryStrategy'>): Redis {
    const [host, port] = hostOf(this.#address)
    return new Redis({ ...this.#options, host, port, ...options, lazyConnect: true })
  }

  /** A call that was under way when the connection broke is never sent again by the client: only this store knows what may be repeated. */
  get #options() {
    const { username, password } = this.#address
    return {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(this.#tls && { tls: this.#tls }),
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      commandTimeout: ANSWER_MS,
      socketTimeout: 2 * ANSWER_MS,
      connectTimeout: CONNECT_MS,
      // What is under way when the connection breaks fails at once, instead of hanging until its time is over.
      maxRetriesPerRequest: 0,
      maxLoadingRetryTime: RECONNECT_MS_MAX,
    }
  }

  /** A client for what is heard of changes, which belong to no database. */
  createSubscriber(): Redis | Cluster {
    const client = this.#create(0)
    client.on('error', () => undefined)
    return client
  }

  /** A client that has reached its server. Throws what is wrong with the address, the login or the server. */
  async connect(): Promise<Redis | Cluster> {
    const client = this.#create()
    let failure: unknown
    // Without a listener every failed attempt would be an uncaught exception.
    client.on('error', error => (failure = error))
    const deadline = Promise.withResolvers<never>()
    const timer = setTimeout(() => deadline.reject(failure ?? new Error(`no connection within ${CONNECT_MS} ms`)), CONNECT_MS)
    try {
      await Promise.race([client.connect(), deadline.promise])
      return client
    } catch (error) {
      client.disconnect()
      throw toStoreError((await this.#handshakeFault()) ?? (await this.#serverFault()) ?? failure ?? error, this.#name)
    } finally {
      clearTimeout(timer)
    }
  }

  /** What a server has against a handshake comes after it, and a client that has written by then does not hear it. */
  #handshakeFault(): Promise<Error | undefined> {
    const [host, port] = hostOf(this.#address)
    return new Promise(resolve => {
      if (!this.#tls) return resolve(undefined)
      const socket = connectTls({ host, port, ...this.#tls })
      let isDone = false
      socket.once('secureConnect', () => (isDone = true)).once('error', resolve)
      socket.setTimeout(HANDSHAKE_MS, () => {
        resolve(isDone ? undefined : new Error('no answer to the TLS handshake'))
        socket.destroy()
      })
    })
  }

  /** A client says only that it is not connected: its server, or one of its nodes, may know why. */
  async #serverFault(): Promise<TroupeError | undefined> {
    const node = this.#createOfOne({ enableReadyCheck: false, retryStrategy: () => null })
    node.on('error', () => undefined)
    try {
      await node.connect()
      return await serverFault(node, this.#name, this.#address.isCluster)
    } catch {
      return undefined
    } finally {
      node.disconnect()
    }
  }
}

const hostOf = ({ nodes: [node = { host: 'localhost', port: 6379 }] }: RedisAddress): readonly [host: string, port: number] => [node.host, node.port]

async function readTls(files: TlsFiles, name: string): Promise<SecureContext> {
  const read = async (option: keyof TlsFiles): Promise<Buffer | undefined> => {
    const path = files[option]
    try {
      return path === undefined ? undefined : await readFile(path)
    } catch (cause) {
      throw new TroupeError('config/invalid', `${name}: the file of its option ${option} cannot be read: ${(cause as Error).message}`, { cause, details: { option, path } })
    }
  }
  const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')])
  try {
    // A context takes anything for an authority.
    if (ca) new X509Certificate(ca)
    return createSecureContext({ ca, cert, key })
  } catch (cause) {
    throw new TroupeError('config/invalid', `${name}: the files of its options ca, cert and key are not PEM, or key does not belong to cert: ${(cause as Error).message}`, { cause })
  }
}
