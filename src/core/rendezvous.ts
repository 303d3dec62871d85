/**
 * Which of several nodes a partition belongs to: the one whose hash together with the partition is the highest, so every node
 * that knows the same nodes comes to the same answer, and a node that joins or leaves moves only its own share
 * (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998).
 */
export function preferredNode(partition: number, nodes: readonly string[]): string | undefined {
  let best: string | undefined
  let highest = -1
  for (const node of nodes) {
    const weight = weightOf(`${partition}:${node}`)
    if (weight > highest || (weight === highest && best !== undefined && node < best)) [best, highest] = [node, weight]
  }
  return best
}

/** FNV-1a, then the finaliser of MurmurHash3: FNV alone hardly spreads what differs in its last characters only. */
function weightOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
