import { useEffect, useState } from 'react'
import { useStore } from '../../data/store.ts'
import { theme } from '../../shell/theme.ts'

const isDark = matchMedia('(prefers-color-scheme: dark)')

/** Colours of tokens as they are now, for a canvas, which knows no `var()`; another function when the theme changes. */
export function useThemeColours(): (token: string) => string {
  const chosen = useStore(theme)
  const [systemIsDark, setSystemIsDark] = useState(isDark.matches)
  useEffect(() => {
    const follow = (): void => setSystemIsDark(isDark.matches)
    isDark.addEventListener('change', follow)
    return () => isDark.removeEventListener('change', follow)
  }, [])
  return chosen === 'dark' || (chosen === 'system' && systemIsDark) ? darkColour : lightColour
}

/** Tokens are `light-dark()` pairs; only a property that takes a colour resolves them. */
function colourOf(token: string, scheme: 'light' | 'dark'): string {
  const probe = document.createElement('span')
  probe.style.cssText = `display: none; color-scheme: ${scheme}; color: var(${token})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const lightColour = (token: string): string => colourOf(token, 'light')
const darkColour = (token: string): string => colourOf(token, 'dark')
