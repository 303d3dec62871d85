import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { network } from 'troupe/patterns'
import type { Move, NetworkTask } from 'troupe/patterns'

/** Agents with `output: move` can do it too. */
const member = (read: (letter: NetworkTask) => Move) => task({ run: ({ input }: TaskScope<{ task: NetworkTask }>) => read(input.task) })
const chair = member(({ from, content }) => (from === 'network' ? { send: [{ to: 'law', content }] } : { answer: `${from} says: ${String(content)}` }))
const law = member(({ from, content }) => (from === 'chair' ? { send: [{ to: 'money', content }] } : { send: [{ to: 'chair', content: `${String(content)}, and allowed` }] }))
const money = member(({ from }) => ({ send: [{ to: from, content: 'cheap' }] }))

const council = network({ name: 'council', start: 'chair', members: { chair, law, money }, allow: { chair: ['law'], law: ['chair', 'money'], money: ['law'] } })

export const machines = { council }
