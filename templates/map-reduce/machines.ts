import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { mapReduce } from 'troupe/patterns'

const square = task({ run: ({ input }: TaskScope<{ task: number }>) => input.task ** 2 })

const squares = mapReduce({ name: 'squares', map: square, reduce: outputs => (outputs as readonly number[]).reduce((sum, output) => sum + output, 0), limits: { concurrencyMax: 2 } })

export const machines = { squares }
