/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16 units, as an unsigned number of 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/** The same with the finaliser of MurmurHash3: FNV alone hardly spreads what differs in a few characters only. */
export function mixText(text: string): number {
  let hash = hashText(text)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
