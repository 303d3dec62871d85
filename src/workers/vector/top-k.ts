/** The k best of what it is offered: the greatest scores, and of equal scores the lowest ranks. */
export class TopK {
  readonly scores: Float64Array
  readonly ranks: Uint32Array
  size = 0
  /** What scores less need not be offered. */
  floor = -Infinity

  constructor(k: number) {
    this.scores = new Float64Array(k)
    this.ranks = new Uint32Array(k)
  }

  offer(score: number, rank: number): void {
    const { scores, ranks } = this
    const isFull = this.size === scores.length
    if (isFull && !this.#isBefore(score, rank, this.size - 1)) return
    let [low, high] = [0, this.size]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#isBefore(score, rank, middle)) high = middle
      else low = middle + 1
    }
    const end = isFull ? this.size - 1 : this.size++
    scores.copyWithin(low + 1, low, end)
    ranks.copyWithin(low + 1, low, end)
    scores[low] = score
    ranks[low] = rank
    if (this.size === scores.length) this.floor = scores[this.size - 1] as number
  }

  #isBefore(score: number, rank: number, at: number): boolean {
    const other = this.scores[at] as number
    return score > other || (score === other && rank < (this.ranks[at] as number))
  }
}
