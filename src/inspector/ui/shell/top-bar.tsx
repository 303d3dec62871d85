import { Suspense, lazy, useEffect, useState } from 'react'
import { connection } from '../data/connection.ts'
import type { Connection } from '../data/connection.ts'
import { useStore } from '../data/store.ts'
import { Icon } from '../parts/icon.tsx'
import type { IconName } from '../parts/icon.tsx'
import { applyTheme, theme, themes } from './theme.ts'
import type { Theme } from './theme.ts'

const CommandPalette = lazy(async () => ({ default: (await import('./command-palette.tsx')).CommandPalette }))

const connectionTexts: Readonly<Record<Connection, string>> = { connecting: 'Connecting…', connected: 'Connected', lost: 'Server unreachable, trying again' }
const themeIcons: Readonly<Record<Theme, IconName>> = { system: 'screen', light: 'sun', dark: 'moon' }
const isMac = /mac|iphone|ipad/i.test(navigator.userAgent)

export function TopBar() {
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  useEffect(() => {
    const open = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      setPaletteOpen(isOpen => !isOpen)
    }
    addEventListener('keydown', open)
    return () => removeEventListener('keydown', open)
  }, [])
  return (
    <header className="top-bar">
      <button type="button" className="search-button" onClick={() => setPaletteOpen(true)}>
        <Icon name="search" size={16} />
        <span>Find or do</span>
        <kbd>{isMac ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <ConnectionState />
      <ThemeSwitch />
      {isPaletteOpen && (
        <Suspense fallback={null}>
          <CommandPalette onClose={() => setPaletteOpen(false)} />
        </Suspense>
      )}
    </header>
  )
}

function ConnectionState() {
  const state = useStore(connection)
  return (
    <span className={`connection connection-${state}`} role="status">
      <span className="dot" aria-hidden="true" />
      <span className="connection-text">{connectionTexts[state]}</span>
    </span>
  )
}

function ThemeSwitch() {
  const chosen = useStore(theme)
  const next = themes[(themes.indexOf(chosen) + 1) % themes.length] ?? 'system'
  return (
    <button type="button" className="quiet" onClick={() => applyTheme(next)} aria-label={`Theme: ${chosen}; change to ${next}`} title={`Theme: ${chosen}`}>
      <Icon name={themeIcons[chosen]} />
    </button>
  )
}
