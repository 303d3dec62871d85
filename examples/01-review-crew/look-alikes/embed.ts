/** Numbers of a vector. */
export const DIMENSIONS = 256

/**
 * Words and pairs of neighbouring words, hashed into a vector of fixed length with a sign (feature hashing: Weinberger et al.,
 * ICML 2009): texts that share most of their words point the same way, whatever their order.
 */
export function embed(lines: readonly string[]): Float32Array {
  const vector = new Float32Array(DIMENSIONS)
  const words = lines.flatMap(line => line.split(' '))
  for (const [at, word] of words.entries()) {
    add(vector, word)
    if (at > 0) add(vector, `${words[at - 1]} ${word}`)
  }
  return vector
}

function add(vector: Float32Array, feature: string): void {
  let hash = 0x811c9dc5
  for (let index = 0; index < feature.length; index++) hash = Math.imul(hash ^ feature.charCodeAt(index), 0x01000193)
  // The lowest bits of this hash are poor: mixed once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
  vector[hash % DIMENSIONS] = (vector[hash % DIMENSIONS] as number) + (hash >>> 31 === 0 ? 1 : -1)
}
