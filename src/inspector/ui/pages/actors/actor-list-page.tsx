import { useMemo } from 'react'
import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import { ActorTable } from './actor-table.tsx'
import './actors.css'
import { FilterBar } from './filter-bar.tsx'
import { filterOf } from './filter.ts'
import type { ActorFilter } from './filter.ts'
import { SavedViews } from './saved-views.tsx'
import { useActorRows } from './use-actor-rows.ts'

const COUNT_EVERY_MS = 3_000

export function ActorListPage() {
  const [search, setSearch] = useSearch()
  const query = new URLSearchParams(search).toString()
  // Ages count from when they were chosen: a filter that moved with the clock would be a new one with every drawing.
  const filter = useMemo(() => filterOf(Object.fromEntries(new URLSearchParams(query)), Date.now()), [query])
  const list = useActorRows(filter)
  const all = useCall('tallyActors', {}, { everyMs: COUNT_EVERY_MS })
  const near = useCall('tallyActors', withoutStates(filter), { everyMs: COUNT_EVERY_MS })
  const exact = useCall('tallyActors', filter, { everyMs: COUNT_EVERY_MS })
  const total = exact.data?.total
  useTitle('Actors', total)

  return (
    <div className="page actor-list-page">
      <header className="page-head">
        <h1>Actors</h1>
        {total !== undefined && <span className="muted">{total.toLocaleString('en')}</span>}
        <SavedViews query={query && `?${query}`} />
      </header>
      <FilterBar search={search} setSearch={setSearch} all={all.data} near={near.data} />
      {list.error && <Failure error={list.error} onRetry={list.reload} />}
      {list.rows.isOverfull && (
        <button type="button" onClick={list.reload}>
          Very many actors are new: read the list again
        </button>
      )}
      {list.rows.length > 0 ? <ActorTable list={list} total={total} /> : list.isLoading ? <Skeleton lines={9} /> : !list.error && <NoActors isFiltered={query !== ''} />}
    </div>
  )
}

const withoutStates = ({ status: _status, state: _state, ...rest }: ActorFilter): ActorFilter => rest

const NoActors = ({ isFiltered }: { readonly isFiltered: boolean }) =>
  isFiltered ? (
    <EmptyState icon="search" title="No actor passes this filter">
      Take away a condition, or look at <Link to="/actors">all actors</Link>.
    </EmptyState>
  ) : (
    <EmptyState icon="actors" title="No actors yet">
      Start one: <code>troupe start MACHINE KEY</code> in the shell, or <code>runtime.actor(machine, key).start()</code> in code. It appears here by itself.
    </EmptyState>
  )
