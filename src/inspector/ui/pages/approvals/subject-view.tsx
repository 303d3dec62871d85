import type { Json } from '../../../protocol.ts'
import { differencesOf } from '../../parts/changes.ts'
import { JsonTree } from '../../parts/json-tree.tsx'

interface SubjectViewProps {
  readonly subject: Json
  /** What stood there before; undefined where it never was another. */
  readonly before: Json | undefined
}

/** What is to be approved, with what has changed in it since the revision before. */
export function SubjectView({ subject, before }: SubjectViewProps) {
  const differences = before === undefined ? [] : differencesOf(before, subject)
  return (
    <section aria-label="Subject" className="subject" tabIndex={0}>
      {differences.length > 0 && <p className="small muted">{differences.length === 1 ? 'One place has' : `${differences.length} places have`} changed since the revision before; what was there is struck out.</p>}
      <JsonTree value={subject} differences={differences} />
    </section>
  )
}
