import { task } from 'troupe'
import type { TaskScope } from 'troupe'
import { research } from 'troupe/patterns'
import type { Finding, SynthesisTask, WorkerTask } from 'troupe/patterns'

const texts: Readonly<Record<string, string>> = { 'a.md': 'Ships float.', 'b.md': 'Stones sink.', 'c.md': 'Wood floats.' }

/** Agents with `output: finding` can do both. */
const reader = task({
  run: ({ input: { task: { sources } } }: TaskScope<{ task: WorkerTask }>): Finding => ({
    text: sources.map(source => texts[String(source)]).join(' '),
    citations: sources.map(source => ({ source: String(source), line: 1 })),
  }),
})
const editor = task({ run: ({ input: { task: { findings } } }: TaskScope<{ task: SynthesisTask }>): Finding => ({ text: findings.map(({ text }) => text).join(' '), citations: [] }) })

const study = research({ name: 'study', worker: reader, synthesiser: editor, executive: editor })

export const machines = { study }
