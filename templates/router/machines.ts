import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { router } from 'troupe/patterns'

const answer = (from: string) => task({ run: ({ input }: TaskScope<{ task: unknown }>) => `${from}: ${String(input.task)}` })

const desk = router({
  name: 'desk',
  classify: task({ run: ({ input }: TaskScope<{ task: { task: string } }>) => ({ route: input.task.task.includes('invoice') ? 'billing' : 'unclear' }) }),
  routes: { billing: answer('billing'), technical: answer('technical') },
  fallback: 'technical',
})

export const machines = { desk }
