import { agent, scriptedModel } from 'troupe/agents'
import { supervisor } from 'troupe/patterns'
import type { Briefing, Decision } from 'troupe/patterns'

const expert = (name: string, answer: string) => agent({ name, instructions: `Answer as an expert for ${name}.`, model: scriptedModel({ rules: [], otherwise: () => answer }) })
const law = expert('law', 'It is allowed.')
const money = expert('money', 'It is too dear.')

/** A pure function here; an agent with `output: decision` can do it too. */
const lead = ({ task, turn, reports }: Briefing): Decision =>
  turn === 1
    ? { kind: 'delegate', tasks: [{ member: 'law', task }, { member: 'money', task }] }
    : { kind: 'finish', answer: reports.map(({ output }) => output).join(' ') }

const desk = supervisor({ name: 'desk', manager: lead, members: { law: 'law', money: 'money' } })

export const machines = { desk, law, money }
