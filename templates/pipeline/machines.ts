import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { pipeline } from 'troupe/patterns'

const find = task({ run: ({ input }: TaskScope<{ task: string }>) => input.task.match(/\d+/g)?.map(Number) ?? [] })
const add = task({ run: ({ input }: TaskScope<{ task: readonly number[] }>) => input.task.reduce((sum, number) => sum + number, 0) })
const tell = task({ run: ({ input }: TaskScope<{ task: number }>) => `There are ${input.task}.` })

const report = pipeline({
  name: 'report',
  stages: [
    { name: 'find', member: find, timeoutMs: 10_000 },
    { name: 'add', member: add, retry: 3 },
    { name: 'tell', member: tell, fallback: task({ run: () => 'There are some.' }) },
  ],
})

export const machines = { report }
