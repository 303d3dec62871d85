import { mixText } from './hash.ts'

/**
 * Which of several nodes a partition belongs to: the one whose hash together with the partition is the highest, so every node
 * that knows the same nodes comes to the same answer, and a node that joins or leaves moves only its own share
 * (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998).
 */
export function preferredNode(partition: number, nodes: readonly string[]): string | undefined {
  let best: string | undefined
  let highest = -1
  for (const node of nodes) {
    const weight = mixText(`${partition}:${node}`)
    if (weight > highest || (weight === highest && best !== undefined && node < best)) [best, highest] = [node, weight]
  }
  return best
}
