import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../src/host/client/positions.ts'
import { cursor as cursorSchema } from '../../src/core/client/views.ts'
import { createSeededRandom } from '../../src/testing/seeded-random.ts'

const seed = randomBytes(4).readUInt32LE()

test('a cursor is what it was made of, for any positions of any number of partitions', () => {
  const random = createSeededRandom(seed)
  const below = (max: number): number => Math.floor(random.next() * max)
  for (let round = 0; round < 500; round++) {
    const positions = Array.from({ length: 1 + below(40) }, () => below(2 ** below(45)))
    const begun = random.next() < 0.5 ? undefined : { partition: below(positions.length), steps: 1 + below(2_000) }
    expect(decodeCursor(encodeCursor({ positions, begun }), positions.length), `seed ${seed}`).toEqual({ positions, begun })
  }
})

test('a cursor with a flipped bit, a missing end or more of it is none', () => {
  const text = encodeCursor({ positions: [1, 300, 70_000], begun: { partition: 2, steps: 5 } })
  const bytes = Buffer.from(text, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(() => decodeCursor(flipped.toString('base64url'), 3)).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  }
  for (let length = 0; length < bytes.length; length++) expect(() => decodeCursor(bytes.subarray(0, length).toString('base64url'), 3)).toThrow(expect.objectContaining({ code: 'config/invalid' }))
  expect(() => decodeCursor(Buffer.concat([bytes, bytes]).toString('base64url'), 3)).toThrow(expect.objectContaining({ code: 'config/invalid' }))
})

test('the cursor of the widest store after a long life is no longer than one may be', () => {
  const text = encodeCursor({ positions: Array.from({ length: 1_024 }, (_, partition) => 18_000_000_000_000 + (partition % 2) * 2 ** 26), begun: undefined })
  expect(cursorSchema.parse(text)).toBe(text)
})
