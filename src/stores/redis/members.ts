import type { Member, Members } from '../../core/store.ts'
import type { Deployment } from './deployment.ts'
import { channels, memberKeys } from './keys.ts'

export function createMembers({ connection, prefix }: Deployment): Members {
  const keys = memberKeys(prefix)
  return {
    async announce(member, _now, ttlMs) {
      const flat = (await connection.run('announce', keys, [member.node, JSON.stringify(member), ttlMs, channels.leases(prefix)])) as readonly string[]
      return flat.filter((_, index) => index % 2 === 1).map(text => JSON.parse(text) as Member)
    },
    async retire(node) {
      await connection.run('retire', keys, [node, channels.leases(prefix)])
    },
    async all() {
      const found = await connection.call(client => client.hvals(keys[0]))
      return found.map(text => JSON.parse(text) as Member)
    },
  }
}
