import { Icon } from './icon.tsx'

interface FailureProps {
  readonly error: Error
  readonly onRetry?: () => void
}

/** What went wrong and what to do about it. */
export function Failure({ error, onRetry }: FailureProps) {
  const { code, remedy } = error as { readonly code?: string; readonly remedy?: string }
  return (
    <div className="failure" role="alert">
      <Icon name="warning" />
      <div>
        <p>{error.message}</p>
        {remedy !== undefined && <p className="muted">{remedy}</p>}
        <p className="failure-foot">
          {code !== undefined && <code>{code}</code>}
          {onRetry && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
        </p>
      </div>
    </div>
  )
}
