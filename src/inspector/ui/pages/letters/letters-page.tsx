import { useState } from 'react'
import { useCall } from '../../data/use-call.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useTitle } from '../../parts/use-title.ts'
import { Link } from '../../routing/link.tsx'
import { useSearch } from '../../routing/location.ts'
import type { DeadLetter } from '../../../protocol.ts'
import { DiscardDialog } from './discard-dialog.tsx'
import { LetterRow } from './letter-row.tsx'
import { useForEach } from './use-for-each.ts'
import './letters.css'

const states = ['present', 'replayed', 'discarded'] as const
type State = (typeof states)[number]
const isState = (text: string | undefined): text is State => states.some(state => state === text)

const PAGE = 100
const SHOWN_MAX = 1_000
const REFRESH_MS = 2_000

/** What could not be processed: looked at, mended, handled again or given up. */
export function LettersPage() {
  const [search, setSearch] = useSearch()
  const state = isState(search['state']) ? search['state'] : 'present'
  const { address } = search
  const [limit, setLimit] = useState(PAGE)
  const { data, error, reload } = useCall('listDeadLetters', { state, limit, ...(address && { address }) }, { everyMs: REFRESH_MS })
  const letters = data?.letters.filter(letter => letter.state === state)
  useTitle('Dead letters', state === 'present' ? letters?.length : undefined)
  return (
    <div className="page">
      <header className="page-head">
        <h1>Dead letters</h1>
        <div className="row" role="group" aria-label="State">
          {states.map(name => (
            <button key={name} type="button" aria-pressed={state === name} onClick={() => setSearch({ state: name === 'present' ? undefined : name })}>
              {name}
            </button>
          ))}
        </div>
        <span className="spacer" />
        <input type="search" className="filter" aria-label="Address of an actor" placeholder="Address: machine/key" defaultValue={address} onBlur={event => setSearch({ address: event.target.value.trim() })} onKeyDown={event => event.key === 'Enter' && setSearch({ address: event.currentTarget.value.trim() })} />
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {!letters && !error && <Skeleton />}
      {letters?.length === 0 && <NoLetters state={state} isFiltered={Boolean(address)} />}
      {letters && letters.length > 0 && <Letters key={state} letters={letters} state={state} onChanged={reload} />}
      {data?.cursor !== undefined && limit < SHOWN_MAX && <button type="button" onClick={() => setLimit(Math.min(limit * 2, SHOWN_MAX))}>Show more</button>}
    </div>
  )
}

const NoLetters = ({ state, isFiltered }: { readonly state: State; readonly isFiltered: boolean }) =>
  isFiltered ? (
    <EmptyState icon="letters" title="None of this actor">
      Clear the address to see those of <Link to="/dead-letters">all actors</Link>.
    </EmptyState>
  ) : state === 'present' ? (
    <EmptyState icon="letters" title="No dead letters">
      Everything could be processed. An event at which an actor throws, or a task whose retries are used up, stands here with its cause until somebody replays or discards it.
    </EmptyState>
  ) : (
    <EmptyState icon="letters" title={`Nothing was ${state} yet`}>
      Letters that wait for somebody are <Link to="/dead-letters">present</Link>.
    </EmptyState>
  )

function Letters({ letters, state, onChanged }: { readonly letters: readonly DeadLetter[]; readonly state: State; readonly onChanged: () => void }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [isDiscarding, setDiscarding] = useState(false)
  const { run, progress } = useForEach(() => {
    setChosen(new Set())
    onChanged()
  })
  const ids = letters.filter(({ id }) => chosen.has(id)).map(({ id }) => id)
  const choose = (id: string, isChosen: boolean): void => setChosen(isChosen ? new Set([...chosen, id]) : new Set([...chosen].filter(other => other !== id)))
  return (
    <>
      {state === 'present' && (
        <div className="row letters-actions" role="group" aria-label="Chosen letters">
          <label className="row">
            <input type="checkbox" checked={ids.length === letters.length} ref={box => { if (box) box.indeterminate = ids.length > 0 && ids.length < letters.length }} onChange={event => setChosen(new Set(event.target.checked ? letters.map(({ id }) => id) : []))} />
            <span>{ids.length === 0 ? `All ${letters.length}` : `${ids.length} of ${letters.length} chosen`}</span>
          </label>
          <button type="button" disabled={ids.length === 0 || progress !== null} onClick={() => void run('replayDeadLetter', ids.map(id => ({ id })), 'replayed')}>
            Replay{ids.length > 0 && ` ${ids.length}`}
          </button>
          <button type="button" disabled={ids.length === 0 || progress !== null} onClick={() => setDiscarding(true)}>
            Discard{ids.length > 0 && ` ${ids.length}`}…
          </button>
          <span className="small muted" role="status">{progress}</span>
        </div>
      )}
      <ul className="stack" aria-label="Dead letters">
        {letters.map(letter => (
          <LetterRow key={letter.id} letter={letter} isChosen={chosen.has(letter.id)} onChoose={isChosen => choose(letter.id, isChosen)} onChanged={onChanged} />
        ))}
      </ul>
      {isDiscarding && (
        <DiscardDialog
          count={ids.length}
          onClose={() => setDiscarding(false)}
          onDiscard={reason => void run('discardDeadLetter', ids.map(id => ({ id, ...(reason && { reason }) })), 'discarded')}
        />
      )}
    </>
  )
}
