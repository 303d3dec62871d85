import { TroupeError } from '../../core/errors.ts'
import { mixText } from '../../core/hash.ts'

/** Up to where somebody has been told of all journals. */
export interface Place {
  /** By partition: everything up to this position was told. */
  readonly positions: readonly number[]
  /** Steps of the next row of a partition that were told already. */
  readonly begun: { readonly partition: number; readonly steps: number } | undefined
}

const VERSION = 1
const SUM_BYTES = 4

/**
 * A place as text that nobody needs to understand: whole numbers of variable length, and a checksum. Positions are told by how far
 * each is from that of the partition before: Redis numbers all of them from the time on.
 */
export function encodeCursor({ positions, begun }: Place): string {
  const bytes: number[] = [VERSION]
  const steps = positions.map((position, partition) => toWhole(position - (positions[partition - 1] ?? 0)))
  for (const number of [positions.length, ...steps, ...(begun ? [begun.partition, begun.steps] : [])]) {
    let rest = number
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push(128 + (rest % 128))
    bytes.push(rest)
  }
  return Buffer.from([...bytes, ...checksum(bytes)]).toString('base64url')
}

/** Throws `config/invalid` for a text that is no cursor of a store with so many partitions. */
export function decodeCursor(text: string, partitions: number): Place {
  const bytes = [...Buffer.from(text, 'base64url')]
  const body = bytes.slice(0, -SUM_BYTES)
  const isWhole = body[0] === VERSION && checksum(body).every((byte, index) => byte === bytes[body.length + index])
  const [count, ...numbers] = isWhole ? numbersOf(body.slice(1)) : []
  if (count !== partitions || (numbers.length !== count && numbers.length !== count + 2)) throw noCursor(text, count === undefined || count === partitions ? 'it is none that follow gave' : `it is of a store with ${count} partitions, this one has ${partitions}`)
  let last = 0
  const positions = numbers.slice(0, count).map(step => (last += fromWhole(step)))
  const [partition, steps] = numbers.slice(count)
  return { positions, begun: partition === undefined || steps === undefined ? undefined : { partition, steps } }
}

/** Numbers of either sign as whole ones, small ones small. */
const toWhole = (number: number): number => (number < 0 ? -2 * number - 1 : 2 * number)
const fromWhole = (whole: number): number => (whole % 2 === 1 ? -(whole + 1) / 2 : whole / 2)

export const noCursor = (text: string, why: string): TroupeError => new TroupeError('config/invalid', `cursor ${JSON.stringify(text.slice(0, 80))} cannot be followed: ${why}; pass the last one unchanged, or none for the present`)

function numbersOf(bytes: readonly number[]): readonly number[] {
  const numbers: number[] = []
  let [number, unit] = [0, 1]
  for (const byte of bytes) {
    number += (byte % 128) * unit
    unit *= 128
    if (byte >= 128) continue
    numbers.push(number)
    ;[number, unit] = [0, 1]
  }
  return numbers
}

function checksum(bytes: readonly number[]): readonly number[] {
  const sum = mixText(String.fromCharCode(...bytes))
  return [sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255]
}
