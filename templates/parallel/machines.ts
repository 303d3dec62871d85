import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { parallel } from 'troupe/patterns'

const counts = (what: RegExp) => task({ run: ({ input }: TaskScope<{ task: string }>) => input.task.match(what)?.length ?? 0 })

const measure = parallel({
  name: 'measure',
  members: { vowels: counts(/[aeiou]/g), words: counts(/\w+/g), letters: counts(/\w/g) },
  policy: 'all',
  reduce: outputs => Object.entries(outputs).map(([name, count]) => `${String(count)} ${name}`).join(', '),
})

export const machines = { measure }
