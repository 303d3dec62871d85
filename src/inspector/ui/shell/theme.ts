import { createStore } from '../data/store.ts'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const KEY = 'troupe.theme'
const isTheme = (value: unknown): value is Theme => themes.includes(value as Theme)

/** What the user has chosen; `system` follows the system as it changes. */
export const theme = createStore<Theme>(storedTheme())

function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY)
  return isTheme(stored) ? stored : 'system'
}

export function applyTheme(chosen: Theme = theme.get()): void {
  theme.set(chosen)
  localStorage.setItem(KEY, chosen)
  // The tokens are pairs of `light-dark()`: the colour scheme is all there is to change.
  document.documentElement.style.colorScheme = chosen === 'system' ? 'light dark' : chosen
}
