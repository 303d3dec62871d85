import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { getPublicKeyAsync, signAsync, verifyAsync } from '@noble/ed25519'
import { TroupeError } from '../core/errors.ts'
import type { WebhookEvent } from './event.ts'

/** Signatures as Standard Webhooks has them: over `id.timestamp.body`, `v1` by a shared secret, `v1a` by an Ed25519 key. */

const SECRET_BYTES = 32
/** What the standard allows. */
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 64
/** Seed and public half. */
const KEY_BYTES = 64
const SEED_BYTES = 32
const TOLERANCE_S = 300

export type SignatureKind = 'hmac' | 'ed25519'

export interface SigningKey {
  /** `whsec_…`, or `whsk_…` of Ed25519. */
  readonly secret: string
  /** Of Ed25519: `whpk_…`. */
  readonly publicKey: string | null
}

/** A key of its own, or the one given. Throws `request/invalid` for one that is not in the standard's form. */
export async function createKey(kind: SignatureKind, given?: string): Promise<SigningKey> {
  if (kind === 'hmac') {
    const bytes = given === undefined ? randomBytes(SECRET_BYTES) : decode(given, 'whsec_')
    if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) throw invalid(`secret must have ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes, not ${bytes.length}`)
    return { secret: encode(bytes, 'whsec_'), publicKey: null }
  }
  if (given !== undefined) throw invalid('secret belongs to the signature `hmac`; the key of `ed25519` is made here and stays here')
  const seed = randomBytes(SEED_BYTES)
  const half = Buffer.from(await getPublicKeyAsync(seed))
  return { secret: encode(Buffer.concat([seed, half]), 'whsk_'), publicKey: encode(half, 'whpk_') }
}

export interface Signed {
  readonly id: string
  /** Seconds since the epoch. */
  readonly timestamp: number
  readonly body: string
}

/** What goes into `webhook-signature`. */
export async function sign(secret: string, { id, timestamp, body }: Signed): Promise<string> {
  const content = Buffer.from(`${id}.${timestamp}.${body}`)
  if (secret.startsWith('whsec_')) return `v1,${macOf(secret, content).toString('base64')}`
  const seed = decode(secret, 'whsk_', KEY_BYTES).subarray(0, SEED_BYTES)
  return `v1a,${Buffer.from(await signAsync(content, seed)).toString('base64')}`
}

export interface VerifyOptions {
  /** Seconds that the time of a delivery may lie away from now. Default 300. */
  readonly toleranceS?: number
  /** Milliseconds since the epoch. Default: now. */
  readonly now?: number
}

/**
 * For receivers: the event of a delivery, if its signature is by one of the keys (`whsec_…`, or `whpk_…` of Ed25519) and its time
 * is near. `body` is the raw one, as it came. The same `id` twice is the same event. Throws `webhook/unverified`.
 *
 * @example
 * const { id, event } = await verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET)
 */
export async function verifyWebhook(body: string, headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>, keys: string | readonly string[], { toleranceS = TOLERANCE_S, now = Date.now() }: VerifyOptions = {}): Promise<WebhookEvent> {
  const header = (name: string): string => {
    const value = headers instanceof Headers ? headers.get(name) : headers[name]
    if (typeof value !== 'string' || value === '') throw unverified(`it has no ${name}`)
    return value
  }
  const [id, time, signatures] = [header('webhook-id'), header('webhook-timestamp'), header('webhook-signature')]
  const timestamp = /^\d{1,15}$/.test(time) ? Number(time) : NaN
  if (!(Math.abs(now / 1000 - timestamp) <= toleranceS)) throw unverified(`its time ${time} is more than ${toleranceS} s away`)
  const content = Buffer.from(`${id}.${timestamp}.${body}`)
  for (const key of [keys].flat()) {
    for (const signature of signatures.split(' ')) if (await isBy(key, signature, content)) return JSON.parse(body) as WebhookEvent
  }
  throw unverified('none of its signatures is by a known key')
}

async function isBy(key: string, signature: string, content: Buffer): Promise<boolean> {
  const [version, text = ''] = signature.split(',')
  const bytes = Buffer.from(text, 'base64')
  if (version === 'v1' && key.startsWith('whsec_')) {
    const mac = macOf(key, content)
    return bytes.length === mac.length && timingSafeEqual(bytes, mac)
  }
  if (version !== 'v1a' || !key.startsWith('whpk_') || bytes.length !== 64) return false
  return verifyAsync(bytes, content, decode(key, 'whpk_', SEED_BYTES))
}

const macOf = (secret: string, content: Buffer): Buffer => createHmac('sha256', decode(secret, 'whsec_')).update(content).digest()

const encode = (bytes: Uint8Array, prefix: string): string => prefix + Buffer.from(bytes).toString('base64')

function decode(key: string, prefix: string, length?: number): Buffer {
  const text = key.slice(prefix.length)
  const bytes = Buffer.from(text, 'base64')
  if (!key.startsWith(prefix) || bytes.toString('base64') !== text || (length !== undefined && bytes.length !== length)) throw invalid(`a key is \`${prefix}\` and base64${length === undefined ? '' : ` of ${length} bytes`}`)
  return bytes
}

const invalid = (message: string): TroupeError => new TroupeError('request/invalid', message)

const unverified = (why: string): TroupeError => new TroupeError('webhook/unverified', `this is no delivery to trust: ${why}`)
