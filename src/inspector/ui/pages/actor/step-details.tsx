import type { Json, Snapshot, Step } from '../../../protocol.ts'
import { fullTime } from '../../parts/ago.tsx'
import { differencesOf } from '../../parts/changes.ts'
import { ErrorView } from '../../parts/error-view.tsx'
import { JsonTree } from '../../parts/json-tree.tsx'
import { ActorLink } from '../../routing/link.tsx'
import type { Before } from './use-actor.ts'

interface StepDetailsProps {
  readonly step: Step
}

/** One step: what came, from whom, what it let out, and why it failed. */
export const StepDetails = ({ step }: StepDetailsProps) => (
  <dl className="facts">
    <dt>Step</dt>
    <dd>
      {step.seq}, {step.kind} <span className="muted">at {fullTime(step.at)}</span>
    </dd>
    {step.from !== undefined && (
      <>
        <dt>From</dt>
        <dd>
          <ActorLink address={step.from} />
        </dd>
      </>
    )}
    {step.event && (
      <>
        <dt>Event</dt>
        <dd>
          <JsonTree value={step.event as Json} />
        </dd>
      </>
    )}
    {step.sent && step.sent.length > 0 && (
      <>
        <dt>Sent</dt>
        <dd>
          {step.sent.map(({ to, type }, index) => (
            <div key={index}>
              <code>{type}</code> to <ActorLink address={to} />
            </div>
          ))}
        </dd>
      </>
    )}
    {step.emitted && step.emitted.length > 0 && (
      <>
        <dt>Emitted</dt>
        <dd>
          <JsonTree value={step.emitted as Json} />
        </dd>
      </>
    )}
    {step.error && (
      <>
        <dt>Error</dt>
        <dd>
          <ErrorView error={step.error} />
        </dd>
      </>
    )}
  </dl>
)

interface ContextViewProps {
  readonly actor: Snapshot
  /** What was before the step that is shown; undefined where it is not known. */
  readonly before: Before | undefined
}

/** The context after the step, with what the step has changed. */
export function ContextView({ actor, before }: ContextViewProps) {
  const differences = before === undefined ? [] : differencesOf(before.context, actor.context)
  return (
    <section aria-label="Context">
      <h3>
        Context{' '}
        <span className="muted small">
          {before === undefined ? '' : differences.length === 0 ? 'unchanged by this step' : `${differences.length} ${differences.length === 1 ? 'change' : 'changes'} by this step`}
        </span>
      </h3>
      <JsonTree key={actor.address} value={actor.context} differences={differences} />
      {actor.output !== undefined && (
        <>
          <h3>Output</h3>
          <JsonTree value={actor.output} />
        </>
      )}
    </section>
  )
}
