import type { Json, OutputOf } from '../../../protocol.ts'

type Approval = OutputOf<'listApprovals'>['approvals'][number]

const PARTS_MAX = 4

const isPlain = (value: Json): value is string | number | boolean => typeof value !== 'object'

/** What is asked, in a line: what the machine calls it, or, where that is only the subject as JSON, the first of its values. */
export function titleOf({ title, subject }: Pick<Approval, 'title' | 'subject'>): string {
  if (!/^[{[]/.test(title) || typeof subject !== 'object' || subject === null) return title
  const parts = Object.entries(subject).flatMap(([name, value]) => (isPlain(value) ? `${name}: ${value}` : [])).slice(0, PARTS_MAX)
  return parts.length > 0 ? parts.join(' · ') : title
}
