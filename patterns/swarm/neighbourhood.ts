import { mixText } from '../../src/core/hash.ts'

/** Whom a peer may send to: those beside it in a circle or in a square, so many drawn by the seed, or everybody. */
export type Neighbourhood = 'ring' | 'grid' | 'all' | { readonly random: number }

export interface Neighbours {
  of(peer: number): readonly number[]
  has(peer: number, other: number): boolean
}

/** Numbers from 0 to 1, the same for the same text. */
export function drawFrom(text: string): () => number {
  let drawn = 0
  return () => mixText(`${text}/${drawn++}`) / 2 ** 32
}

function drawNeighbours(peer: number, peers: number, wanted: number, seed: number): readonly number[] {
  const draw = drawFrom(`${seed}/neighbours/${peer}`)
  const found = new Set<number>()
  while (found.size < Math.min(wanted, peers - 1)) {
    const other = Math.floor(draw() * peers)
    if (other !== peer) found.add(other)
  }
  return [...found].toSorted((a, b) => a - b)
}

function besideInSquare(peer: number, peers: number): readonly number[] {
  const width = Math.ceil(Math.sqrt(peers))
  const column = peer % width
  const beside = [peer - width, column > 0 ? peer - 1 : -1, column < width - 1 ? peer + 1 : -1, peer + width]
  return beside.filter(other => other >= 0 && other < peers)
}

const besideInCircle = (peer: number, peers: number): readonly number[] => [...new Set([(peer + peers - 1) % peers, (peer + 1) % peers])].filter(other => other !== peer)

/** Found when first asked for and then kept: they never change. Of everybody no list is kept, it would be one per peer of all peers. */
export function neighboursIn(neighbourhood: Neighbourhood, peers: number, seed: number): Neighbours {
  if (neighbourhood === 'all') {
    return {
      of: peer => Array.from({ length: peers - 1 }, (_, index) => (index < peer ? index : index + 1)),
      has: (peer, other) => other !== peer && Number.isInteger(other) && other >= 0 && other < peers,
    }
  }
  const find = (peer: number): readonly number[] => {
    if (neighbourhood === 'ring') return besideInCircle(peer, peers)
    return neighbourhood === 'grid' ? besideInSquare(peer, peers) : drawNeighbours(peer, peers, neighbourhood.random, seed)
  }
  const known = new Map<number, readonly number[]>()
  const of = (peer: number): readonly number[] => {
    const found = known.get(peer) ?? find(peer)
    known.set(peer, found)
    return found
  }
  return { of, has: (peer, other) => of(peer).includes(other) }
}
