import type { ComponentType } from 'react'
import { useTitle } from '../../parts/use-title.ts'
import { useSearch } from '../../routing/location.ts'
import { Catalogue } from './catalogue.tsx'
import { Cluster } from './cluster.tsx'
import { Overview } from './overview.tsx'
import { Queues } from './queues.tsx'
import { Workers } from './workers.tsx'
import './system.css'

const views: Readonly<Record<string, { readonly name: string; readonly content: ComponentType }>> = {
  overview: { name: 'Overview', content: Overview },
  cluster: { name: 'Cluster', content: Cluster },
  queues: { name: 'Queues', content: Queues },
  workers: { name: 'Workers', content: Workers },
  catalogue: { name: 'Catalogue', content: Catalogue },
}

/** What runs where, how busy it is, and what there is to run. */
export function SystemPage() {
  const [search, setSearch] = useSearch()
  const chosen = search['view'] !== undefined && Object.hasOwn(views, search['view']) ? search['view'] : 'overview'
  const { name, content: Content } = views[chosen] ?? { name: '', content: Overview }
  useTitle(`System: ${name}`)
  return (
    <div className="page">
      <header className="page-head">
        <h1>System</h1>
        <div className="row" role="group" aria-label="Part of the system">
          {Object.entries(views).map(([view, { name: text }]) => (
            <button key={view} type="button" aria-pressed={view === chosen} onClick={() => setSearch({ view: view === 'overview' ? undefined : view, machine: undefined }, { replace: false })}>
              {text}
            </button>
          ))}
        </div>
      </header>
      <Content />
    </div>
  )
}
