import { useSyncExternalStore } from 'react'

/** The address bar as the one place where a page keeps what it shows: such a state can be shared, and gone back from. */

const listeners = new Set<() => void>()
const announce = (): void => listeners.forEach(listener => listener())
globalThis.addEventListener('popstate', announce)

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export interface NavigateOptions {
  /** In the place of the entry in the browser's history that is shown, as suits filters and scrubbers. */
  readonly replace?: boolean
}

export function navigate(to: string, { replace = false }: NavigateOptions = {}): void {
  const isOtherPage = new URL(to, location.href).pathname !== location.pathname
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  if (isOtherPage) document.querySelector('main')?.scrollTo(0, 0)
  announce()
}

export const usePath = (): string => useSyncExternalStore(subscribe, () => location.pathname)
const useQuery = (): string => useSyncExternalStore(subscribe, () => location.search)

export type Search = Readonly<Record<string, string>>
export type SetSearch = (changes: Readonly<Record<string, string | undefined>>, options?: NavigateOptions) => void

/** The query of the address as an object, and how to change some of it; an empty or undefined value goes. */
export function useSearch(): readonly [Search, SetSearch] {
  const query = useQuery()
  return [Object.fromEntries(new URLSearchParams(query)), setSearch]
}

const setSearch: SetSearch = (changes, options = { replace: true }) => {
  const next = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(name)
    else next.set(name, value)
  }
  const query = next.toString()
  navigate(`${location.pathname}${query && `?${query}`}`, options)
}
