import type { Random } from '../core/clock.ts'

/** Random numbers and ids from a seed, the same every time: sfc32 by Chris Doty-Humphrey (PractRand). */
export function createSeededRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, (seed ^ 0x9e3779b9) | 0, Math.imul(seed, 0x85ebca6b) | 0, 1]
  const next32 = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) next32()
  return {
    next: () => next32() / 2 ** 32,
    id: () => hex32(next32()) + hex32(next32()) + hex32(next32()) + hex32(next32()),
  }
}

const bytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Eight digits of a whole number below 2^32. */
const hex32 = (value: number): string => `${bytes[value >>> 24]}${bytes[(value >>> 16) & 255]}${bytes[(value >>> 8) & 255]}${bytes[value & 255]}`
