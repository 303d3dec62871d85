import { useSyncExternalStore } from 'react'

/** A value outside of React that components read: whoever uses it is drawn again when it changes. */
export interface Store<T> {
  get(): T
  set(value: T): void
  subscribe(listener: () => void): () => void
}

export function createStore<T>(initial: T): Store<T> {
  let current = initial
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set: value => {
      if (Object.is(value, current)) return
      current = value
      listeners.forEach(listener => listener())
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.get)

/** Part of a store's value: drawn again only when that part changes, so it must be a primitive or keep its identity. */
export const useSelected = <T, TPart>(store: Store<T>, select: (value: T) => TPart): TPart => useSyncExternalStore(store.subscribe, () => select(store.get()))
