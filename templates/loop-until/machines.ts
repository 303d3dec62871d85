import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { loopUntil } from 'troupe/patterns'
import type { Refinement } from 'troupe/patterns'

const writer = task({ run: ({ input: { task: { round, task: title, draft, feedback } } }: TaskScope<{ task: Refinement }>) => (round === 1 ? String(title) : `${String(draft)}${String(feedback)}`) })

const title = loopUntil({ name: 'title', refiner: writer, critic: draft => ({ accepted: String(draft).endsWith('!!'), feedback: '!' }), roundsMax: 4 })

export const machines = { title }
