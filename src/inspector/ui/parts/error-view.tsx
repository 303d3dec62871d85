import type { ErrorInfo } from '../../protocol.ts'
import './error-view.css'

/** An error that is kept with an actor, and what has caused it, down to the first. */
export const ErrorView = ({ error }: { readonly error: ErrorInfo }) => (
  <div className="error-view">
    <p>
      <strong>{error.name}</strong>
      {error.code !== undefined && <code> {error.code}</code>}: {error.message}
    </p>
    {error.stack !== undefined && (
      <details>
        <summary>Stack</summary>
        <pre tabIndex={0}>{error.stack}</pre>
      </details>
    )}
    {error.cause && (
      <div className="error-cause">
        <span className="muted small">caused by</span>
        <ErrorView error={error.cause} />
      </div>
    )}
  </div>
)
