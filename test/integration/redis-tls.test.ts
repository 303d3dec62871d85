import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { openRedisStore } from '../../src/stores/redis/redis-store.ts'
import { Owner, creation, idIn, message } from '../../src/testing/store-conformance/case.ts'
import { createAuthority } from '../support/redis/certificates.ts'
import type { Authority, Certificate } from '../support/redis/certificates.ts'
import { startCluster } from '../support/redis/redis-cluster.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import type { RedisServer } from '../support/redis/redis-server.ts'
import { makeTempDir } from '../support/temp-dir.ts'
import { waitUntil } from '../support/processes.ts'

let authority: Authority
let stranger: Authority
let server: Certificate
let client: Certificate
beforeAll(async () => {
  [authority, stranger] = await Promise.all([createAuthority('authority'), createAuthority('stranger')])
  ;[server, client] = await Promise.all([authority.sign('server'), authority.sign('client')])
})

const urlOf = (options: Readonly<Record<string, string>>, ...servers: readonly RedisServer[]): string =>
  `rediss://${servers.map(({ tlsPort }) => `127.0.0.1:${tlsPort}`).join(',')}?${new URLSearchParams(options).toString()}`

/** Commands, scripts and what is told of changes. */
async function expectToWork(first: Store, second: Store): Promise<void> {
  let told = 0
  const stop = second.subscribe(() => told++, { partition: 0 })
  const owner = await Owner.of(first)
  await waitUntil('the other handle hears of commits', async () => {
    await owner.commit({ actors: owner.seq === 0 ? [creation(idIn(first, 'x'))] : [] })
    return told > 2
  })
  stop()
  for (let partition = 0; partition < first.partitions; partition++) await second.append([message(idIn(first, 'x', { partition }), 'm', partition)], 10)
  expect((await Promise.all(Array.from({ length: first.partitions }, (_, n) => first.take(n, 0, 10)))).flat().length).toBe(first.partitions)
  await Promise.all([first.close(), second.close()])
}

const refuses = (url: string, ...parts: readonly string[]) =>
  expect(openRedisStore(url)).rejects.toMatchObject({ code: 'config/invalid', message: expect.stringMatching(new RegExp(parts.join('.*'))) as unknown })

test('a certificate whose authority the URL names: commands, scripts and changes go through TLS', async () => {
  await using redis = await startRedis({ tls: { ...server, ca: authority.ca }, config: { 'tls-auth-clients': 'no' } })
  const url = urlOf({ ca: authority.ca, partitions: '2' }, redis)
  await expectToWork(await openRedisStore(url), await openRedisStore(url))
})

test('a server that asks for a certificate of the client', async () => {
  await using redis = await startRedis({ tls: { ...server, ca: authority.ca } })
  const url = urlOf({ ca: authority.ca, ...client, partitions: '2' }, redis)
  await expectToWork(await openRedisStore(url), await openRedisStore(url))
  await refuses(urlOf({ ca: authority.ca }, redis), 'the server asks for a certificate', 'cert=./cert.pem&key=./key.pem')
  await refuses(urlOf({ ca: authority.ca, ...(await stranger.sign('client')) }, redis), 'the server asks for a certificate that it trusts')
}, 30_000)

test('a cluster: the options reach all of its nodes', async () => {
  await using cluster = await startCluster({ masters: 3, replicas: 0, tls: { ...server, ca: authority.ca } })
  const [seed] = cluster.nodes as readonly [RedisServer, ...RedisServer[]]
  const url = urlOf({ ca: authority.ca, ...client, partitions: '16', cluster: 'true' }, seed)
  await expectToWork(await openRedisStore(url), await openRedisStore(url))
  await refuses(urlOf({ cluster: 'true' }, seed), 'no authority that this machine trusts', 'ca=./ca.pem')
}, 60_000)

describe('what cannot work is refused with what to do', () => {
  test('a certificate of an unknown authority, one for another host, one that is no certificate', async () => {
    await using redis = await startRedis({ tls: { ...server, ca: authority.ca }, config: { 'tls-auth-clients': 'no' } })
    await refuses(urlOf({}, redis), 'no authority that this machine trusts', 'ca=./ca.pem')
    await refuses(urlOf({ ca: stranger.ca }, redis), 'no authority that this machine trusts')
    await refuses(urlOf({ ca: '/nowhere/ca.pem' }, redis), 'option ca cannot be read', '/nowhere/ca.pem')
    const garbage = join(await makeTempDir(), 'ca.pem')
    await writeFile(garbage, '-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n')
    await refuses(urlOf({ ca: garbage }, redis), 'are not PEM')
    await refuses(urlOf({ cert: client.cert, key: server.key }, redis), 'key does not belong to cert')
    await using elsewhere = await startRedis({ tls: { ...(await authority.sign('elsewhere', { ip: '192.0.2.1' })), ca: authority.ca }, config: { 'tls-auth-clients': 'no' } })
    await refuses(urlOf({ ca: authority.ca }, elsewhere), 'the certificate is for another name')
  }, 30_000)

  test('TLS to a port in the clear, and the other way round', async () => {
    await using redis = await startRedis({ tls: { ...server, ca: authority.ca }, config: { 'tls-auth-clients': 'no' } })
    await refuses(`rediss://127.0.0.1:${redis.port}`, 'this port does not seem to speak TLS')
    await expect(openRedisStore(`redis://127.0.0.1:${redis.tlsPort}`)).rejects.toMatchObject({ code: 'store/failed', message: expect.stringContaining('rediss://') as unknown })
  }, 30_000)
})
