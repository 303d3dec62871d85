import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { startRedis } from './redis-server.ts'
import type { RedisServer } from './redis-server.ts'

export const deployedUsers = ['troupe-worker', 'troupe-tasks', 'troupe-monitoring', 'troupe-admin'] as const
/** The last one stands in the README only. */
export type DeployedUser = (typeof deployedUsers)[number] | 'troupe-replica'

const deployedPath = (file: string): string => fileURLToPath(new URL(`../../../deploy/redis/${file}`, import.meta.url))

/** A file of `deploy/redis` as it is shipped. */
export const readDeployed = (file: 'redis.conf' | 'users.acl' | 'README.md'): Promise<string> => readFile(deployedPath(file), 'utf8')

export const passwordOf = (user: DeployedUser): string => `password of ${user}`

export const urlAs = (user: DeployedUser, { port }: RedisServer): string => `redis://${user}:${encodeURIComponent(passwordOf(user))}@127.0.0.1:${port}`

/** Turns users on as the README tells. */
export function turnOn(acl: string): string {
  return acl.replaceAll(/^user (troupe-\w+) off/gm, (_, user: DeployedUser) => `user ${user} on #${createHash('sha256').update(passwordOf(user)).digest('hex')}`)
}

/** Starts a server with the shipped configuration and these users; only what belongs to a machine is ours. */
export const startDeployed = (acl: string, config: Readonly<Record<string, string>> = {}): Promise<RedisServer> =>
  startRedis({ files: { 'users.acl': acl }, config: { include: deployedPath('redis.conf'), aclfile: 'users.acl', maxmemory: '64mb', ...config } })
