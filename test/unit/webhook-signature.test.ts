import { createPublicKey, verify } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { createKey, sign, verifyWebhook } from '../../src/webhooks/signature.ts'

const unverified = expect.objectContaining({ code: 'webhook/unverified' }) as Error
const NOW = Date.UTC(2026, 0, 1)
const body = JSON.stringify({ id: 'msg_1', type: 'actor.event', text: 'äöü 🎭' })

async function signed(secret: string, at = NOW) {
  const timestamp = Math.floor(at / 1000)
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(timestamp), 'webhook-signature': await sign(secret, { id: 'msg_1', timestamp, body }) }
}

describe('hmac', () => {
  test('the standard package takes what is signed here', async () => {
    const { secret, publicKey } = await createKey('hmac')
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(publicKey).toBeNull()
    expect(new Webhook(secret).verify(body, await signed(secret, Date.now()))).toEqual(JSON.parse(body))
  })

  test('what the standard package signs is verified here', async () => {
    const { secret } = await createKey('hmac')
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(NOW / 1000), 'webhook-signature': new Webhook(secret).sign('msg_1', new Date(NOW), body) }
    expect(await verifyWebhook(body, headers, secret, { now: NOW })).toEqual(JSON.parse(body))
  })

  test('a secret of one\'s own is used; one that is none is refused', async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
    expect((await createKey('hmac', secret)).secret).toBe(secret)
    for (const bad of ['hunter2', 'whsec_', 'whsec_???', `whsec_${Buffer.alloc(23).toString('base64')}`, `whsec_${Buffer.alloc(65).toString('base64')}`, `whsk_${Buffer.alloc(64).toString('base64')}`]) {
      await expect(createKey('hmac', bad), bad).rejects.toThrow(expect.objectContaining({ code: 'request/invalid' }) as Error)
    }
  })
})

describe('ed25519', () => {
  test('Node verifies what is signed here with the public key alone', async () => {
    const { secret, publicKey } = await createKey('ed25519')
    expect(secret).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/)
    const raw = Buffer.from((publicKey ?? '').replace('whpk_', ''), 'base64')
    const headers = await signed(secret)
    const [version, signature = ''] = headers['webhook-signature'].split(',')
    expect(version).toBe('v1a')
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
    expect(verify(null, Buffer.from(`msg_1.${NOW / 1000}.${body}`), key, Buffer.from(signature, 'base64'))).toBe(true)
    expect(await verifyWebhook(body, headers, publicKey ?? '', { now: NOW })).toEqual(JSON.parse(body))
  })

  test('takes no secret of somebody else', async () => {
    await expect(createKey('ed25519', 'whsec_x')).rejects.toThrow(expect.objectContaining({ code: 'request/invalid' }) as Error)
  })
})

describe.each(['hmac', 'ed25519'] as const)('verifyWebhook with %s', kind => {
  const open = async () => {
    const { secret, publicKey } = await createKey(kind)
    return { key: publicKey ?? secret, headers: await signed(secret) }
  }

  test('takes Headers, one of several keys, and one of several signatures', async () => {
    const { key, headers } = await open()
    const other = await open()
    const both = { ...headers, 'webhook-signature': `v2,xyz ${other.headers['webhook-signature']} ${headers['webhook-signature']}` }
    expect(await verifyWebhook(body, new Headers(both), [key], { now: NOW })).toMatchObject({ id: 'msg_1' })
    expect(await verifyWebhook(body, headers, [other.key, key], { now: NOW })).toMatchObject({ id: 'msg_1' })
  })

  test('refuses another body, id, time, key, a signature that is bent, and one that is too old or too new', async () => {
    const { key, headers } = await open()
    const check = (text: string, over: Readonly<Record<string, string | undefined>>, keys = key, now = NOW) => expect(verifyWebhook(text, { ...headers, ...over }, keys, { now }), JSON.stringify(over)).rejects.toThrow(unverified)
    await check(`${body} `, {})
    await check(body, { 'webhook-id': 'msg_2' })
    await check(body, { 'webhook-timestamp': String(NOW / 1000 + 1) })
    await check(body, {}, (await open()).key)
    const signature = headers['webhook-signature']
    for (const bent of ['', 'v1', 'v1,', 'v1a,', `${signature.slice(0, -6)}AAAA==`, signature.replace(/^v1a?/, 'v2'), 'v1,%00', undefined]) await check(body, { 'webhook-signature': bent })
    for (const time of ['', 'now', 'NaN', '1e9', '-1', undefined]) await check(body, { 'webhook-timestamp': time })
    await check(body, {}, key, NOW + 301_000)
    await check(body, {}, key, NOW - 301_000)
    for (const now of [NOW + 300_000, NOW - 300_000]) expect(await verifyWebhook(body, headers, key, { now })).toMatchObject({ id: 'msg_1' })
  })
})
