import { expect, test } from 'vitest'
import { preferredNode } from '../../src/core/rendezvous.ts'

const PARTITIONS = 512
const nodesNamed = (count: number) => Array.from({ length: count }, (_, n) => `host-${'abcdefghij'[n]}-${n.toString(16).padStart(8, '0')}`)
const shares = (nodes: readonly string[]) => Array.from({ length: PARTITIONS }, (_, partition) => preferredNode(partition, nodes))

test('every node comes to the same answer, in whatever order it knows the others', () => {
  const nodes = nodesNamed(5)
  expect(shares(nodes.toReversed())).toEqual(shares(nodes))
  expect(preferredNode(0, [])).toBeUndefined()
  expect(preferredNode(7, ['only'])).toBe('only')
})

test('shares are even: none is below half or above twice the mean', () => {
  for (const count of [2, 3, 5, 8]) {
    const nodes = nodesNamed(count)
    const byNode = Map.groupBy(shares(nodes), node => node)
    for (const node of nodes) {
      const share = (byNode.get(node)?.length ?? 0) / (PARTITIONS / count)
      expect(share).toBeGreaterThan(0.5)
      expect(share).toBeLessThan(2)
    }
  }
})

test('a node that joins or leaves moves only its own share', () => {
  const nodes = nodesNamed(5)
  const [before, after] = [shares(nodes.slice(0, 4)), shares(nodes)]
  for (const [partition, owner] of after.entries()) if (owner !== nodes[4]) expect(owner).toBe(before[partition])
  expect(after).toContain(nodes[4])
})
