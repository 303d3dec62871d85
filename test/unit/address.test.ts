import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { actorId, addressOf, childKey, isName, isSpawnedKey, isSpread, parseActorId, parseAddress, partitionOf, runOf } from '../../src/core/address.ts'
import type { ActorId } from '../../src/core/address.ts'
import { escapePart } from '../../src/host/xstate/internals.ts'

const names = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/)
const keys = fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }).filter(key => /^\P{Cc}+$/u.test(key))
const parts = fc.record({ tenant: names, machine: names, key: keys })

describe('an identity', () => {
  test('comes apart into what it was made of', () => {
    fc.assert(fc.property(parts, address => {
      expect(parseActorId(actorId(address))).toEqual(address)
    }))
  })

  test('of two different addresses is never the same', () => {
    fc.assert(fc.property(parts, parts, (a, b) => {
      expect(actorId(a) === actorId(b)).toBe(JSON.stringify(a) === JSON.stringify(b))
    }))
  })

  test('reads as machine/key, and back inside its tenant', () => {
    fc.assert(fc.property(parts, address => {
      const id = actorId(address)
      expect(addressOf(id)).toBe(`${address.machine}/${address.key}`)
      expect(parseAddress(addressOf(id), address.tenant)).toBe(id)
    }))
  })

  test.each([
    ['', 'm', 'k'], ['te nant', 'm', 'k'], ['t', '', 'k'], ['t', 'a/b', 'k'], ['t', 'm'.repeat(129), 'k'], ['t', 'm', ''], ['t', 'm', 'k'.repeat(1025)], ['t', 'm', 'a\nb'], ['t', 'm', '\u007f'], ['t', 'ü', 'k'], ['t', '*', 'k'],
  ])('of tenant %j, machine %j and key %j is refused', (tenant, machine, key) => {
    expect(() => actorId({ tenant, machine, key })).toThrow(expect.objectContaining({ code: 'address/invalid' }))
  })

  test.each(['', '/', 'm', 'm/', '/k', ' /k', 'm m/k'])('does not come of %j', text => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'address/invalid' }))
  })

  test('keeps a slash in the key, and a tenant out of it', () => {
    expect(parseActorId(parseAddress('m/a/b/c'))).toEqual({ tenant: 'default', machine: 'm', key: 'a/b/c' })
    expect(parseAddress('m/other/m/k')).not.toBe(actorId({ tenant: 'other', machine: 'm', key: 'k' }))
  })
})

test('names are of letters, digits, underscore, dot and minus', () => {
  for (const name of ['a', 'A-1_b.c', '9', 'x'.repeat(128)]) expect(isName(name)).toBe(true)
  for (const name of ['', ' ', 'a b', 'a/b', 'a:b', '{}', '*', 'ä', 'x'.repeat(129), 'a\n']) expect(isName(name)).toBe(false)
})

describe('a run', () => {
  const root = actorId({ tenant: 't', machine: 'order', key: '42/x' })

  test('is that of its root, however deep the child', () => {
    let id = root
    for (const [depth, path] of ['pay', 'pay/retry', 'a~1b'].entries()) {
      id = actorId({ tenant: 't', machine: `m${depth}`, key: childKey(id, path, depth + 1) })
      expect(runOf(id)).toBe(root)
      expect(isSpawnedKey(parseActorId(id).key)).toBe(true)
    }
    expect(addressOf(id)).toBe('m2/order/42/x>pay#1>pay/retry#2>a~1b#3')
  })

  test('of an actor nobody spawned is itself', () => {
    expect(runOf(root)).toBe(root)
    expect(isSpawnedKey('42/x')).toBe(false)
  })

  test('names its children by an ordinal, so a child id that is used again is another actor', () => {
    expect(childKey(root, 'pay', 1)).not.toBe(childKey(root, 'pay', 2))
    expect(childKey(root, 'a', 12)).not.toBe(childKey(root, 'a#1', 2))
  })
})

/** How many actors each of 16 partitions gets. */
function countsOf(ids: readonly ActorId[]): readonly number[] {
  const groups = Map.groupBy(ids, id => partitionOf(id, 16))
  return Array.from({ length: 16 }, (_, partition) => groups.get(partition)?.length ?? 0)
}

describe('a partition', () => {
  test('is the same for a whole run, and within its count', () => {
    fc.assert(fc.property(parts.filter(({ key }) => !key.includes('>')), fc.integer({ min: 1, max: 1024 }), (address, partitions) => {
      const id = actorId(address)
      const child = actorId({ tenant: address.tenant, machine: 'child', key: childKey(id, 'c', 1).slice(0, 1024) })
      const partition = partitionOf(id, partitions)
      expect(partition).toBeGreaterThanOrEqual(0)
      expect(partition).toBeLessThan(partitions)
      expect(partitionOf(child, partitions)).toBe(partition)
    }))
  })

  test('gets its share of the actors', () => {
    const ids = Array.from({ length: 16_000 }, (_, key) => `default/order/${key}` as ActorId)
    for (const count of countsOf(ids)) expect(Math.abs(count - 1_000)).toBeLessThan(200)
  })

  test('never changes for an identity: files that exist depend on it', () => {
    expect(['default/order/1', 'default/order/2', 'acme/chat/a/b', 'default/ünï/✓'].map(id => partitionOf(id as ActorId, 64))).toEqual([61, 4, 35, 12])
    expect(['default/pay/order/1>pay#1', 'default/pay/order/2>a/b#1>c#12', 'default/m/order/1~>x#1', 'default/m/order/1>x~0>y#1', 'default/m/order/1>x~1#1'].map(id => partitionOf(id as ActorId, 64))).toEqual([61, 4, 57, 61, 61])
  })
})

describe('a spread actor', () => {
  const root = actorId({ tenant: 't', machine: 'hive', key: '1' })
  const spawn = (parent: ActorId, path: string, ordinal: number, spread = false) => actorId({ tenant: 't', machine: 'bee', key: childKey(parent, path, ordinal, spread) })
  const samePlace = (a: ActorId, b: ActorId) => Array.from({ length: 200 }, (_, count) => partitionOf(a, count + 1) === partitionOf(b, count + 1)).every(Boolean)

  test('is of the run of its root, and so is what it spawns', () => {
    const bee = spawn(root, 'cell', 7, true)
    const egg = spawn(spawn(bee, 'egg', 1), 'deep', 1, true)
    expect([bee, egg].map(addressOf)).toEqual(['bee/hive/1>cell#7~', 'bee/hive/1>cell#7~>egg#1>deep#1~'])
    for (const id of [bee, egg]) {
      expect(runOf(id)).toBe(root)
      expect(isSpread(id)).toBe(true)
    }
    expect(isSpread(spawn(bee, 'egg', 1))).toBe(false)
  })

  test('takes with it what it spawns, unless that is spread again', () => {
    const bee = spawn(root, 'cell', 7, true)
    const egg = spawn(bee, 'egg', 1)
    const far = spawn(egg, 'far', 1, true)
    expect(samePlace(bee, root)).toBe(false)
    expect(samePlace(egg, bee)).toBe(true)
    expect(samePlace(spawn(egg, 'x', 2), bee)).toBe(true)
    expect(samePlace(far, bee)).toBe(false)
    expect(samePlace(spawn(far, 'x', 1), far)).toBe(true)
  })

  test('gets a partition of its own choice: the children of one run share all of them', () => {
    for (const count of countsOf(Array.from({ length: 16_000 }, (_, n) => spawn(root, `cell-${n}`, n + 1, true)))) expect(Math.abs(count - 1_000)).toBeLessThan(200)
    // As when a parent names its children alike, one after the other.
    for (const count of countsOf(Array.from({ length: 1_000 }, (_, n) => spawn(root, 'cell', n + 1, true)))) expect(count).toBeGreaterThan(25)
  })

  test('is never taken for one that is not: child ids and keys with its mark live with their run as before', () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('~', '>', '#', '0', '1', 'a') }), fc.string({ maxLength: 6, unit: fc.constantFrom('~', '#', '1') }), (name, end) => {
      const parent = actorId({ tenant: 't', machine: 'hive', key: `1${end}` })
      const child = spawn(parent, escapePart(name), 1)
      expect(isSpread(child)).toBe(false)
      for (const id of [child, spawn(child, escapePart(name), 2)]) expect(samePlace(id, parent)).toBe(true)
      const far = spawn(parent, escapePart(name), 1, true)
      expect(samePlace(spawn(far, escapePart(name), 2), far)).toBe(true)
    }))
  })
})
