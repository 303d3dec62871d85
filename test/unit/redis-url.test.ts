import { describe, expect, test } from 'vitest'
import { parseRedisUrl } from '../../src/stores/redis/redis-url.ts'

const DEFAULTS = { isCluster: false, tls: undefined, username: undefined, password: undefined, db: 0, prefix: 'troupe', partitions: undefined, durability: 'process-crash' }

test.each([
  ['redis://localhost', { nodes: [{ host: 'localhost', port: 6379 }] }],
  ['redis://127.0.0.1:7000/3', { nodes: [{ host: '127.0.0.1', port: 7000 }], db: 3 }],
  ['rediss://ada:s%40crt@db.example:6380?prefix=shop&partitions=4', { nodes: [{ host: 'db.example', port: 6380 }], tls: {}, username: 'ada', password: 's@crt', prefix: 'shop', partitions: 4 }],
  ['rediss://h?ca=./ca%20file.pem&cert=c.pem&key=k.pem', { nodes: [{ host: 'h', port: 6379 }], tls: { ca: './ca file.pem', cert: 'c.pem', key: 'k.pem' } }],
  ['redis://:pw@h?durability=power-loss', { nodes: [{ host: 'h', port: 6379 }], password: 'pw', durability: 'power-loss' }],
  ['redis://[::1]:7001', { nodes: [{ host: '::1', port: 7001 }] }],
  ['redis://a:1,b:2', { nodes: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }], isCluster: true }],
  ['redis://a:1?cluster=true', { nodes: [{ host: 'a', port: 1 }], isCluster: true }],
])('%s', (url, expected) => {
  expect(parseRedisUrl(url)).toEqual({ ...DEFAULTS, ...expected })
})

describe('what makes no sense is refused with what is wrong, and never shows the password', () => {
  test.each([
    ['redis://', 'is not of the form'],
    ['redis:///0', 'is not of the form'],
    ['redis:localhost', 'is not of the form'],
    ['redis://:hunter2@h:99999', 'a port must be a whole number from 1 to 65535'],
    ['redis://:hunter2@h:x', 'is not a host, nor host:port'],
    ['redis://:hunter2@h/abc', 'the database after the slash must be a whole number'],
    ['redis://:hunter2@a,b/1', 'a cluster has database 0 only'],
    ['redis://:hunter2@h?partitions=0', 'partitions must be a whole number from 1 to 1024'],
    ['redis://:hunter2@h?prefix=a b', 'prefix must be a name'],
    ['redis://:hunter2@h?prefix={x}', 'prefix must be a name'],
    ['redis://:hunter2@h?durability=forever', 'durability must be one of process-crash, power-loss, failover'],
    ['redis://:hunter2@h?cluster=maybe', 'cluster must be true or false'],
    ['redis://:hunter2@h?partition=4', "option 'partition' is not known"],
    ['redis://:hunter2@h?ca=ca.pem', 'ca, cert and key are for TLS: begin with rediss://'],
    ['rediss://:hunter2@h?cert=c.pem', 'cert and key go together'],
    ['redis://u:%E0%A4%A@h', 'percent-encoding'],
  ])('%s', (url, message) => {
    expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) as unknown }) as Error)
    try {
      parseRedisUrl(url)
    } catch (error) {
      expect((error as Error).message).not.toContain('hunter2')
    }
  })
})
