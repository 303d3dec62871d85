import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { debate } from 'troupe/patterns'
import type { DebateTurn } from 'troupe/patterns'

const bids = (first: number, step: number) => task({ run: ({ input }: TaskScope<{ task: DebateTurn }>) => first + step * (input.task.round - 1) })
const mean = task({
  run: ({ input }: TaskScope<{ task: { rounds: { statement: number }[][] } }>) => {
    const last = input.task.rounds.at(-1) ?? []
    return last.reduce((sum, { statement }) => sum + statement, 0) / last.length
  },
})

const price = debate({ name: 'price', debaters: { seller: bids(100, -10), buyer: bids(60, 10) }, judge: mean, rounds: 3 })

export const machines = { price }
