import { crc32, deflateSync } from 'node:zlib'

/** As many colours as an indexed PNG can have. */
const COLOURS_MAX = 256
/** Bits that are kept of each channel when colours are brought together: what is left out is not seen in a user interface. */
const KEPT = 0xf8

/** A small PNG of a picture of few colours, such as a user interface: its most frequent colours, and for the others the nearest of them. */
export function palettePng(rgba: Uint8Array | Uint8ClampedArray, width: number, height: number): Buffer {
  const keys = new Uint32Array(width * height)
  const seen = new Map<number, number>()
  for (let pixel = 0; pixel < keys.length; pixel++) {
    const [r = 0, g = 0, b = 0] = rgba.subarray(pixel * 4, pixel * 4 + 3)
    keys[pixel] = (r << 16) | (g << 8) | b
    seen.set(keys[pixel] ?? 0, (seen.get(keys[pixel] ?? 0) ?? 0) + 1)
  }
  const palette = paletteOf(seen)
  const index = new Map<number, number>()
  const lines = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const key = keys[y * width + x] ?? 0
      const at = index.get(key) ?? nearest(palette, key)
      index.set(key, at)
      lines[y * (width + 1) + 1 + x] = at
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3, 0, 0, 0], 8)
  const colours = Buffer.from(palette.flatMap(key => [key >> 16, (key >> 8) & 0xff, key & 0xff]))
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', deflateSync(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))])
}

/** The most frequent colours, no two of which differ in the bits that are left out only. */
function paletteOf(seen: ReadonlyMap<number, number>): readonly number[] {
  const mask = (KEPT << 16) | (KEPT << 8) | KEPT
  const kinds = Map.groupBy([...seen].toSorted(([, a], [, b]) => b - a), ([key]) => key & mask)
  const ranked = [...kinds.values()].map(kind => ({ key: kind[0]?.[0] ?? 0, count: kind.reduce((sum, [, count]) => sum + count, 0) }))
  return ranked.toSorted((a, b) => b.count - a.count).slice(0, COLOURS_MAX).map(({ key }) => key)
}

function nearest(palette: readonly number[], key: number): number {
  const distance = (other: number): number => ((other >> 16) - (key >> 16)) ** 2 + (((other >> 8) & 0xff) - ((key >> 8) & 0xff)) ** 2 + ((other & 0xff) - (key & 0xff)) ** 2
  return palette.reduce((best, other, at) => (distance(other) < distance(palette[best] ?? 0) ? at : best), 0)
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
