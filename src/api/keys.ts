import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { roles } from '../core/client/operation.ts'
import type { Caller, Role } from '../core/client/operation.ts'
import { TroupeError } from '../core/errors.ts'
import { serverLimits } from './limits.ts'

const PREFIX = 'tr_'
const SECRET_BYTES = 32
/** The file holds no key, but who may read or write it can tell or make callers. */
const OWNER_ONLY = 0o600

const record = z.strictObject({ name: z.string().min(1).max(200), role: z.enum(roles), /** SHA-256, hex. Of 256 random bits nothing slower is needed. */ hash: z.string().length(64), createdAt: z.iso.datetime(), revokedAt: z.iso.datetime().nullable() })
const file = z.strictObject({ version: z.literal(1), keys: z.array(record).max(serverLimits.keysMax) })

type KeyRecord = z.infer<typeof record>

/** A key as it is listed: everything but the key. */
export type KeyInfo = Omit<KeyRecord, 'hash'>

const hash = (token: string): Buffer => createHash('sha256').update(token).digest()
const invalid = (message: string, cause?: unknown): TroupeError => new TroupeError('config/invalid', message, { cause })
const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

async function readKeys(path: string): Promise<readonly KeyRecord[]> {
  const { mode } = await stat(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw invalid(`the file of API keys ${path} is open to others: chmod 600 ${path}`)
  try {
    return file.parse(JSON.parse(await readFile(path, 'utf8'))).keys
  } catch (error) {
    throw invalid(`the file of API keys ${path} cannot be read`, error)
  }
}

/** Changes the file as a whole. The new file beside it is a lock too: two that write at once cannot lose each other's key. */
async function changeKeys(path: string, change: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
  const next = `${path}.new`
  const handle = await open(next, 'wx', OWNER_ONLY).catch((error: unknown) => {
    throw invalid(`the file of API keys ${path} cannot be written: ${next} cannot be made; remove it if nobody else is writing`, error)
  })
  try {
    const keys = change(await readKeys(path).catch((error: unknown) => { if (isMissing(error)) return []; throw error }))
    await handle.writeFile(`${JSON.stringify({ version: 1, keys }, null, 2)}\n`)
    await handle.sync()
    await rename(next, path)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/**
 * Makes an API key and gives it back, this once: the file keeps its hash. Throws `config/invalid` for a name that is taken or
 * a file that cannot be used.
 *
 * @example
 * const { key } = await createKey('./keys.json', { name: 'ci', role: 'operator' })
 */
export async function createKey(path: string, { name, role }: { readonly name: string; readonly role: Role }): Promise<{ readonly key: string } & KeyInfo> {
  const key = PREFIX + randomBytes(SECRET_BYTES).toString('base64url')
  const made = record.safeParse({ name, role, hash: hash(key).toString('hex'), createdAt: new Date().toISOString(), revokedAt: null })
  if (!made.success) throw invalid(`an API key has a name of 1 to 200 characters and one of the roles ${roles.join(', ')}`)
  await changeKeys(path, keys => {
    if (keys.some(other => other.name === name && other.revokedAt === null)) throw invalid(`there is an API key ${JSON.stringify(name)}: revoke it first, or take another name`)
    if (keys.length >= serverLimits.keysMax) throw invalid(`the file of API keys ${path} is full: remove revoked ones by hand`)
    return [...keys, made.data]
  })
  return { key, ...infoOf(made.data) }
}

/** Ends a key: running servers refuse it within a second. Throws `config/invalid` when no key of that name is in use. */
export async function revokeKey(path: string, name: string): Promise<KeyInfo> {
  let revoked: KeyRecord | undefined
  await changeKeys(path, keys =>
    keys.map(key => {
      if (key.name !== name || key.revokedAt !== null) return key
      revoked = { ...key, revokedAt: new Date().toISOString() }
      return revoked
    }),
  )
  if (!revoked) throw invalid(`there is no API key ${JSON.stringify(name)} in use`)
  return infoOf(revoked)
}

/** All keys of a file, revoked ones too; none where there is no file. */
export async function listKeys(path: string): Promise<readonly KeyInfo[]> {
  const keys = await readKeys(path).catch((error: unknown) => { if (isMissing(error)) return []; throw error })
  return keys.map(infoOf)
}

const infoOf = ({ name, role, createdAt, revokedAt }: KeyRecord): KeyInfo => ({ name, role, createdAt, revokedAt })

/** The keys of a file for those who ask at every request: it is read again when it has changed. */
export class KeyRing {
  readonly #path: string
  readonly #report: (error: unknown) => void
  #keys: readonly { readonly hash: Buffer; readonly caller: Caller }[] = []
  #version = ''
  #fresh = Promise.resolve()
  #lookedAt = -Infinity

  private constructor(path: string, report: (error: unknown) => void) {
    this.#path = path
    this.#report = report
  }

  /** Throws `config/invalid` when there is no key in use. */
  static async open(path: string, report: (error: unknown) => void): Promise<KeyRing> {
    const ring = new KeyRing(path, report)
    await ring.#load().catch((error: unknown) => { throw isMissing(error) ? invalid(`there is no file of API keys ${path}: make a key with \`troupe keys create\``) : error })
    if (ring.#keys.length === 0) throw invalid(`no API key of ${path} is in use: make one with \`troupe keys create\``)
    return ring
  }

  /** Compares with every key in constant time, so that answers do not tell how much of a guess is right. */
  async find(token: string): Promise<Caller | undefined> {
    const now = performance.now()
    if (now - this.#lookedAt > serverLimits.keysFreshMs) {
      this.#lookedAt = now
      // A file that cannot be read opens nothing: whoever damaged it may have wanted to revoke.
      this.#fresh = this.#load().catch((error: unknown) => { this.#keys = []; this.#version = ''; this.#report(error) })
    }
    await this.#fresh
    const wanted = hash(token)
    let found: Caller | undefined
    for (const key of this.#keys) if (timingSafeEqual(key.hash, wanted)) found = key.caller
    return found
  }

  async #load(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.#path)
    const version = `${mtimeMs}/${size}/${ino}`
    if (version === this.#version) return
    const keys = await readKeys(this.#path)
    this.#keys = keys.filter(({ revokedAt }) => revokedAt === null).map(({ hash: hex, name, role }) => ({ hash: Buffer.from(hex, 'hex'), caller: { name, role } }))
    this.#version = version
  }
}
