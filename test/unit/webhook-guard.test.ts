import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/system-ports.ts'
import { testEvent } from '../../src/webhooks/event.ts'
import { checkHost, checkUrl, isPublic } from '../../src/webhooks/guard.ts'
import type { ResolveName } from '../../src/webhooks/guard.ts'
import { Post } from '../../src/webhooks/post.ts'
import { createKey } from '../../src/webhooks/signature.ts'

const strict = { allowPrivate: [] }
const refused = expect.objectContaining({ code: 'webhook/refused' }) as Error

describe('addresses', () => {
  test.each([
    '127.0.0.1', '127.255.255.254', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '100.127.255.255', '0.0.0.0', '0.1.2.3', '224.0.0.1', '239.255.255.255',
    '240.0.0.1', '255.255.255.255', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '192.88.99.1',
    '::', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '2002:7f00:1::', '2002:a00:1::1', '2001::1', '2001:db8::1', '3fff::1',
    'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1', '5f00::1', '4000::1', 'nonsense', '',
  ])('%s is not public', address => expect(isPublic(address)).toBe(false))

  test.each(['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '::ffff:8.8.8.8', '2606:4700::1111', '2a00:1450::1'])('%s is public', address => expect(isPublic(address)).toBe(true))
})

describe('URLs', () => {
  test.each([
    'file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/', 'javascript:alert(1)', 'data:text/plain,x', 'not a url', '',
    'https://user@example.com/', 'https://user:secret@example.com/', 'https://:secret@example.com/',
    'http://example.com:22/', 'http://example.com:25/', 'http://example.com:0/',
    'http://127.0.0.1/', 'http://127.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://0177.0.0.1/', 'http://0x7f.1/', 'http://0/', 'http://１２７.0.0.1/',
    'http://169.254.169.254/latest/meta-data', 'http://2852039166/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://[64:ff9b::7f00:1]/', 'http://[fd00::1]/', 'http://[::]/',
  ])('%s is refused', url => expect(() => checkUrl(url, strict)).toThrow(refused))

  test.each(['https://example.com/hook', 'http://example.com:8080/', 'https://example.com:443/', 'http://1.1.1.1/', 'http://[2606:4700::1111]/'])('%s may be one', url => expect(checkUrl(url, strict).href).toContain('http'))

  test('a refusal says neither user nor password', () => {
    expect(() => checkUrl('https://user:hunter2@example.com/?token=abc', strict)).toThrow(/^((?!hunter2|abc|user:).)*$/)
  })
})

describe('names', () => {
  const names = (answers: Readonly<Record<string, readonly string[]>>): ResolveName => (host, _, callback) => {
    const found = answers[host]
    if (found) callback(null, found.map(address => ({ address, family: address.includes(':') ? 6 : 4 })))
    else callback(new Error(`ENOTFOUND ${host}`), [])
  }
  const check = (host: string, resolve: ResolveName, allowPrivate: readonly string[] = []) => checkHost(new URL(`http://${host}/`), { allowPrivate, resolve })

  test('a name that stands for something private is refused, with IPv6 alone too, and when only one of its addresses is', async () => {
    const resolve = names({ a: ['10.0.0.1'], b: ['fd00::1'], c: ['1.1.1.1', '127.0.0.1'], d: ['::ffff:169.254.169.254'] })
    for (const host of ['a', 'b', 'c', 'd']) await expect(check(host, resolve), host).rejects.toThrow(refused)
  })

  test('a name that stands for public addresses alone, is allowed, or is not known yet, is not', async () => {
    const resolve = names({ a: ['1.1.1.1', '2606:4700::1111'], localhost: ['127.0.0.1'] })
    await check('a', resolve)
    await check('unknown', resolve)
    await expect(check('localhost', resolve)).rejects.toThrow(refused)
    await check('localhost', resolve, ['localhost'])
  })
})

describe('connections', () => {
  const reached: string[] = []
  const server = createServer((request, response) => {
    reached.push(request.url ?? '')
    if (request.url === '/moved') response.writeHead(302, { location: `http://127.0.0.1:${port()}/private` })
    else if (request.url === '/endless') return void setInterval(() => response.write('x'.repeat(65_536)), 1).unref()
    response.end()
  })
  const port = (): number => (server.address() as AddressInfo).port
  beforeAll(() => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => (server.closeAllConnections(), server.close()))

  const deliver = async (url: string, resolve: ResolveName, allowPrivate: readonly string[] = []) => {
    await using post = new Post({ allowPrivate, clock: systemClock, timeoutMs: 5_000, resolve })
    const { secret } = await createKey('hmac')
    reached.length = 0
    return await post.deliver({ url, secret }, testEvent('troupe.webhook/x', 'x', 0), new AbortController().signal)
  }

  test('a name that changes its mind after the check is checked again where the connection is made', async () => {
    const answers = ['1.1.1.1', '127.0.0.1']
    const rebinding: ResolveName = (_host, _options, callback) => callback(null, [{ address: answers.shift() ?? '127.0.0.1', family: 4 }])
    await checkHost(new URL('http://rebind.example/'), { allowPrivate: [], resolve: rebinding })
    const { status, error } = await deliver(`http://rebind.example:${port()}/`, rebinding)
    expect({ status, code: error?.code }).toEqual({ status: null, code: 'webhook/refused' })
    expect(reached).toEqual([])
  })

  test('an address in the URL is checked with each delivery', async () => {
    const { error } = await deliver(`http://127.0.0.1:${port()}/`, () => { throw new Error('nothing to resolve') })
    expect(error?.code).toBe('webhook/refused')
    expect(reached).toEqual([])
  })

  test('the connection goes to the address that was checked', async () => {
    let lookups = 0
    const once: ResolveName = (_host, _options, callback) => callback(null, [{ address: ++lookups === 1 ? '127.0.0.1' : '203.0.113.1', family: 4 }])
    const { status, error } = await deliver(`http://dev.example:${port()}/ok`, once, ['dev.example'])
    expect({ status, error, lookups }).toEqual({ status: 200, error: null, lookups: 1 })
  })

  test('a redirect is not followed, and the error says so', async () => {
    const { status, error } = await deliver(`http://127.0.0.1:${port()}/moved`, () => undefined, ['127.0.0.1'])
    expect(status).toBe(302)
    expect(error).toMatchObject({ code: 'webhook/failed', message: expect.stringContaining('redirects are not followed') as string })
    expect(reached).toEqual(['/moved'])
  })

  test('of an answer without end a little is read', async () => {
    const { status, error } = await deliver(`http://127.0.0.1:${port()}/endless`, () => undefined, ['127.0.0.1'])
    expect({ status, error }).toEqual({ status: 200, error: null })
  })
})
