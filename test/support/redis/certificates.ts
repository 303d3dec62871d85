import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeTempDir } from '../temp-dir.ts'

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface Authority {
  /** Its own certificate. */
  readonly ca: string
  sign(name: string, { ip }?: { readonly ip?: string }): Promise<Certificate>
}

/** An authority of a test's own; its files go with the process. */
export async function createAuthority(name: string): Promise<Authority> {
  const folder = await makeTempDir()
  const create = async (subject: string, ...more: readonly string[]): Promise<Certificate> => {
    const files = { cert: join(folder, `${subject}.pem`), key: join(folder, `${subject}.key`) }
    const args = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${subject}`, '-out', files.cert, '-keyout', files.key]
    await promisify(execFile)('openssl', ['req', '-x509', ...args, ...more])
    return files
  }
  const own = await create(name)
  return { ca: own.cert, sign: (subject, { ip = '127.0.0.1' } = {}) => create(subject, '-CA', own.cert, '-CAkey', own.key, '-addext', `subjectAltName=IP:${ip}`) }
}
