import type { ReactNode } from 'react'
import { Icon } from './icon.tsx'
import type { IconName } from './icon.tsx'

interface EmptyStateProps {
  readonly icon: IconName
  readonly title: string
  /** What to do next. */
  readonly children: ReactNode
}

export const EmptyState = ({ icon, title, children }: EmptyStateProps) => (
  <div className="empty-state">
    <Icon name={icon} size={32} />
    <h2>{title}</h2>
    <div>{children}</div>
  </div>
)
