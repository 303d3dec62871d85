import { useState } from 'react'
import { createStore, useStore } from '../../data/store.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Link } from '../../routing/link.tsx'

interface View {
  readonly name: string
  /** Of the address bar, such as `?machine=order&status=failed`. */
  readonly query: string
}

const KEY = 'troupe.views'
const VIEWS_MAX = 30

/** What everybody looks for first. */
const standing: readonly View[] = [
  { name: 'All', query: '' },
  { name: 'Failed', query: '?status=failed' },
  { name: 'Waiting for people', query: '?tag=approval' },
]

const saved = createStore<readonly View[]>(readViews())

function readViews(): readonly View[] {
  try {
    const views: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(views) ? (views as unknown[]).filter(isView) : []
  } catch {
    return []
  }
}

const isView = (view: unknown): view is View => typeof (view as View | null)?.name === 'string' && typeof (view as View).query === 'string'

function saveViews(views: readonly View[]): void {
  saved.set(views)
  localStorage.setItem(KEY, JSON.stringify(views))
}

/** Filters under a name, kept in this browser. */
export function SavedViews({ query }: { readonly query: string }) {
  const views = useStore(saved)
  const [isSaving, setSaving] = useState(false)
  const isKnown = [...standing, ...views].some(view => view.query === query)
  return (
    <nav className="saved-views" aria-label="Views">
      {standing.map(view => (
        <ViewLink key={view.name} view={view} query={query} />
      ))}
      {views.map(view => (
        <span key={view.name} className="saved-view">
          <ViewLink view={view} query={query} />
          <button type="button" className="quiet" aria-label={`Remove the view ${view.name}`} onClick={() => saveViews(views.filter(other => other !== view))}>
            <Icon name="cancel" size={12} />
          </button>
        </span>
      ))}
      {!isKnown && (
        <button type="button" className="quiet" onClick={() => setSaving(true)}>
          <Icon name="star" size={14} /> Save this view
        </button>
      )}
      {isSaving && <SaveView onClose={() => setSaving(false)} onName={name => saveViews([...views.filter(view => view.name !== name), { name, query }].slice(-VIEWS_MAX))} />}
    </nav>
  )
}

const ViewLink = ({ view, query }: { readonly view: View; readonly query: string }) => (
  <Link to={`/actors${view.query}`} aria-current={view.query === query ? 'true' : undefined}>
    {view.name}
  </Link>
)

function SaveView({ onName, onClose }: { readonly onName: (name: string) => void; readonly onClose: () => void }) {
  const [name, setName] = useState('')
  return (
    <Dialog title="Save this view" onClose={onClose}>
      <form
        className="stack"
        onSubmit={event => {
          event.preventDefault()
          onName(name.trim())
          onClose()
        }}
      >
        <label className="stack">
          Name
          <input required pattern=".*\S.*" maxLength={60} value={name} onChange={event => setName(event.target.value)} />
        </label>
        <div className="actions">
          <button type="submit" className="primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  )
}
