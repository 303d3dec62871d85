import { useEffect, useRef, useState } from 'react'
import type { OutputOf } from '../../../protocol.ts'
import { Icon } from '../../parts/icon.tsx'
import type { Search, SetSearch } from '../../routing/location.ts'
import { ages, statuses } from './filter.ts'
import { statesOf, statusCounts, sumBy } from './tally.ts'

type Tally = OutputOf<'tallyActors'>

interface FilterBarProps {
  readonly search: Search
  readonly setSearch: SetSearch
  /** Of all actors, and of those that pass all but status and state. */
  readonly all: Tally | undefined
  readonly near: Tally | undefined
}

const TYPING_MS = 200

export function FilterBar({ search, setSearch, all, near }: FilterBarProps) {
  const machines = sumBy(all?.groups ?? [], group => group.machine)
  const states = statesOf(near?.groups ?? [])
  return (
    <search className="filter-bar">
      <SearchField text={search['text'] ?? ''} onText={text => setSearch({ text })} />
      <Select label="Machine" value={search['machine']} any="All machines" options={machines.map(([name, count]) => [name, `${name} (${count.toLocaleString('en')})`])} onValue={machine => setSearch({ machine, state: undefined })} />
      <Select label="State" value={search['state']} any="All states" options={states.map(([name, count]) => [name, `${name} (${count.toLocaleString('en')})`])} onValue={state => setSearch({ state })} />
      <Select label="Age" value={search['age']} any="Any age" options={Object.entries(ages).map(([name, age]) => [name, age.name])} onValue={age => setSearch({ age })} />
      <TagField tag={search['tag'] ?? ''} onTag={tag => setSearch({ tag })} />
      <StatusChips counts={statusCounts(near?.groups ?? [])} chosen={search['status']} onStatus={status => setSearch({ status })} />
    </search>
  )
}

/** `/` puts the cursor here. */
function SearchField({ text, onText }: { readonly text: string; readonly onText: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useDelayed(text, onText)
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      if (event.key !== '/' || (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog'))) return
      event.preventDefault()
      input.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  return (
    <label className="search-field">
      <Icon name="search" size={16} />
      <span className="visually-hidden">Search by key</span>
      <input ref={input} type="search" value={typed} onChange={event => setTyped(event.target.value)} placeholder="Part of a key" />
      <kbd aria-hidden="true">/</kbd>
    </label>
  )
}

const TagField = ({ tag, onTag }: { readonly tag: string; readonly onTag: (tag: string) => void }) => {
  const [typed, setTyped] = useDelayed(tag, onTag)
  return (
    <label>
      <span className="visually-hidden">Tag</span>
      <input value={typed} onChange={event => setTyped(event.target.value)} placeholder="Tag" />
    </label>
  )
}

/** What is typed now, told to others when the typing has paused; and what others have set meanwhile. */
function useDelayed(value: string, onValue: (value: string) => void): readonly [string, (typed: string) => void] {
  const [typed, setTyped] = useState(value)
  const told = useRef(value)
  // Not among what restarts the wait: lists that change all the time are drawn again sooner than it ends.
  const tell = useRef(onValue)
  useEffect(() => {
    tell.current = onValue
  })
  useEffect(() => {
    if (value !== told.current) setTyped((told.current = value))
  }, [value])
  useEffect(() => {
    if (typed === told.current) return
    const timer = setTimeout(() => tell.current((told.current = typed)), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return [typed, setTyped]
}

interface SelectProps {
  readonly label: string
  readonly value: string | undefined
  readonly any: string
  readonly options: readonly (readonly [value: string, name: string])[]
  readonly onValue: (value: string) => void
}

const Select = ({ label, value = '', any, options, onValue }: SelectProps) => (
  <label>
    <span className="visually-hidden">{label}</span>
    <select value={value} onChange={event => onValue(event.target.value)}>
      <option value="">{any}</option>
      {value !== '' && !options.some(([name]) => name === value) && <option value={value}>{value}</option>}
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  </label>
)

const StatusChips = ({ counts, chosen, onStatus }: { readonly counts: ReadonlyMap<string, number>; readonly chosen: string | undefined; readonly onStatus: (status: string | undefined) => void }) => (
  <div className="status-chips" role="group" aria-label="Status">
    {statuses
      .filter(status => (counts.get(status) ?? 0) > 0 || status === chosen)
      .map(status => (
        <button key={status} type="button" className="status-chip" aria-pressed={status === chosen} onClick={() => onStatus(status === chosen ? undefined : status)}>
          <span className={`badge status-${status}`}>{status}</span>
          {(counts.get(status) ?? 0).toLocaleString('en')}
        </button>
      ))}
  </div>
)
