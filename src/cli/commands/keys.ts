import type { Role } from '../../core/client/operation.ts'
import type { Run } from '../command.ts'

/** Where `keys` writes and `serve` reads unless told otherwise. */
export const KEYS_FILE = 'keys.json'

interface Options {
  readonly keys?: string
  readonly role?: Role
}

export const create: Run<Options> = async ({ args: [name = ''], options: { keys: file = KEYS_FILE, role = 'viewer' }, out }) => {
  const { createKey } = await import('../../create-server.ts')
  const made = await createKey(file, { name, role })
  out.answer(made, () => {
    out.line(made.key)
    out.note(`Key '${name}' (${role}) is in ${file} as a hash; keep it: it is shown this once.`)
  })
}

export const list: Run<Options> = async ({ options: { keys: file = KEYS_FILE }, out }) => {
  const { listKeys } = await import('../../create-server.ts')
  const keys = await listKeys(file)
  out.answer({ keys }, () => {
    if (keys.length === 0) return out.note(`There are no keys in ${file}: \`troupe keys create NAME\`.`)
    out.table(keys, [{ head: 'NAME', cell: ({ name }) => name }, { head: 'ROLE', cell: ({ role }) => role }, { head: 'CREATED', cell: ({ createdAt }) => createdAt.slice(0, 10) }, { head: 'STATUS', cell: ({ revokedAt }) => (revokedAt === null ? out.paint('green', 'valid') : out.paint('dim', `revoked ${revokedAt.slice(0, 10)}`)) }])
  })
}

export const revoke: Run<Options> = async ({ args: [name = ''], options: { keys: file = KEYS_FILE }, out }) => {
  const { revokeKey } = await import('../../create-server.ts')
  const revoked = await revokeKey(file, name)
  out.answer(revoked, () => out.line('Revoked ', out.paint('bold', name), ': running servers refuse it within a second.'))
}
