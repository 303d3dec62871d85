import { Component } from 'react'
import type { ReactNode } from 'react'
import { Failure } from './failure.tsx'

/** Keeps a page that breaks from taking the inspector with it. A new `place` is a new try. */
export class FailureBorder extends Component<{ readonly place: string; readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override state: { readonly error: Error | undefined } = { error: undefined }

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override componentDidUpdate(before: { readonly place: string }): void {
    if (before.place !== this.props.place && this.state.error) this.setState({ error: undefined })
  }

  override render(): ReactNode {
    return this.state.error ? <Failure error={this.state.error} onRetry={() => this.setState({ error: undefined })} /> : this.props.children
  }
}
