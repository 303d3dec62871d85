import { useEffect, useId, useRef } from 'react'
import type { ReactNode } from 'react'
import { Icon } from './icon.tsx'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  readonly className?: string
}

/** The browser's own modal dialog: it keeps the focus inside, closes with Escape, and gives the focus back. */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    // The browser would choose the button that closes it.
    element?.querySelector<HTMLElement>('input, textarea, select')?.focus()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className={`dialog ${className ?? ''}`}
      aria-labelledby={titleId}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      onPointerDown={event => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div className="dialog-body">
        <header>
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="quiet" aria-label="Close" onClick={onClose}>
            <Icon name="cancel" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}

interface ConfirmationProps {
  readonly title: string
  /** What will happen, and that it cannot be undone. */
  readonly children: ReactNode
  readonly confirm: string
  readonly onConfirm: () => void
  readonly onClose: () => void
}

export const Confirmation = ({ title, children, confirm, onConfirm, onClose }: ConfirmationProps) => (
  <Dialog title={title} onClose={onClose}>
    <div>{children}</div>
    <footer className="actions">
      <button type="button" onClick={onClose}>
        Keep it
      </button>
      <button
        type="button"
        className="danger"
        onClick={() => {
          onClose()
          onConfirm()
        }}
      >
        {confirm}
      </button>
    </footer>
  </Dialog>
)
