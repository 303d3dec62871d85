import { useEffect, useState } from 'react'
import { useAction } from '../../data/use-action.ts'
import { Countdown } from '../../parts/ago.tsx'
import { notify } from '../../parts/notices.tsx'
import { ActorLink, Link, actorPath } from '../../routing/link.tsx'
import { DecisionForm } from './decision-form.tsx'
import { refusalText } from './refusals.ts'
import { SubjectView } from './subject-view.tsx'
import { titleOf } from './title-of.ts'
import type { Approval } from './use-approvals.ts'
import { usePreviousSubject } from './use-previous-subject.ts'

interface ApprovalDetailProps {
  /** As it is now. */
  readonly current: Approval
  /** The caller's name, where a credential gives one. */
  readonly me: string | null
  readonly onDecided: () => void
}

/**
 * One approval. Its subject stays as it was when it was opened until the reader asks for the newer one: nobody decides on what
 * changed under the pointer. The decision names the revision shown, so that the server refuses one that is stale.
 */
export function ApprovalDetail({ current, me, onDecided }: ApprovalDetailProps) {
  const [shown, setShown] = useState(current)
  const [before, setBefore] = useState<Approval['subject']>()
  const [refusal, setRefusal] = useState<{ readonly revision: string; readonly reason: string | null }>()
  const decision = useAction('decide')
  const isStale = shown.revision !== current.revision
  const approval = isStale ? shown : current
  const amended = usePreviousSubject(approval)
  const showCurrent = (): void => {
    setBefore(approval.subject)
    setShown(current)
  }
  useEffect(() => {
    // What was refused for being stale shows what it should have been about.
    if (isStale && refusal?.revision === approval.revision) showCurrent()
  })
  const decide = async (by: string | null, approve: boolean, reason: string): Promise<void> => {
    const answer = await decision.run({ id: approval.id, approve, revision: approval.revision, ...(by !== null && { by }), ...(reason !== '' && { reason }) })
    onDecided()
    if (!answer) return
    setRefusal(answer.accepted ? undefined : { revision: approval.revision, reason: answer.refused })
    if (answer.accepted) notify({ kind: 'done', text: `${approve ? 'Approved' : 'Rejected'}: ${titleOf(approval)}` })
  }
  return (
    <section className="card stack" aria-label="Approval">
      <header className="stack">
        <h2>{titleOf(approval)}</h2>
        <Facts approval={approval} />
      </header>
      {refusal && <p className="failure" role="alert">{refusalText(refusal.revision === approval.revision ? refusal.reason : 'other-revision')}</p>}
      {isStale && (
        <p className="failure is-warning" role="status">
          <span>This was changed after it was shown to you: a decision on this revision will not count.</span>
          <button type="button" onClick={showCurrent}>Show what changed</button>
        </p>
      )}
      <SubjectView subject={approval.subject} before={before ?? amended} />
      <Votes approval={approval} />
      <DecisionForm approvers={approval.approvers} voted={approval.votes.map(({ by }) => by)} me={me} isBusy={decision.isBusy} onDecide={decide} />
    </section>
  )
}

const Facts = ({ approval: { address, run, level, revision, dueAt } }: { readonly approval: Approval }) => (
  <p className="row small muted">
    <span>asked by <ActorLink address={address} /></span>
    {run !== address && <span>in the run <Link to={actorPath(run, 'runs')} className="address">{run}</Link></span>}
    <span className="badge">level {level + 1}</span>
    <span className="badge">revision {revision}</span>
    {dueAt !== null && <span className="badge"><Countdown to={dueAt} /></span>}
  </p>
)

const Votes = ({ approval: { approvers, votes } }: { readonly approval: Approval }) => (
  <ul className="row" aria-label="Approvers">
    {[...new Set([...approvers, ...votes.map(({ by }) => by)])].map(name => {
      const vote = votes.find(({ by }) => by === name)
      const [word, look] = vote === undefined ? ['is asked', ''] : vote.approve ? ['approved', 'status-active'] : ['rejected', 'status-failed']
      return (
        <li key={name} className={`badge ${look}`}>
          {name} {word}{vote?.reason ? `: ${vote.reason}` : ''}
        </li>
      )
    })}
  </ul>
)
