import { createStore, useStore } from '../data/store.ts'
import { Icon } from './icon.tsx'

interface Notice {
  readonly kind: 'done' | 'error'
  readonly text: string
}

const SHOWN_MS = 6_000
const SHOWN_MAX = 4

const notices = createStore<readonly Notice[]>([])
const dismiss = (notice: Notice): void => notices.set(notices.get().filter(shown => shown !== notice))

/** Tells the user something in passing; screen readers hear it too. */
export function notify(notice: Notice): void {
  notices.set([...notices.get(), notice].slice(-SHOWN_MAX))
  setTimeout(() => dismiss(notice), SHOWN_MS)
}

export function Notices() {
  const shown = useStore(notices)
  return (
    <div className="notices" role="status">
      {shown.map((notice, index) => (
        <div key={index} className={`notice notice-${notice.kind}`}>
          <span>{notice.text}</span>
          <button type="button" className="quiet" aria-label="Dismiss" onClick={() => dismiss(notice)}>
            <Icon name="cancel" size={14} />
          </button>
        </div>
      ))}
    </div>
  )
}
