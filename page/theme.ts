import { useEffect, useState } from './html.js'

export type Theme = 'auto' | 'light' | 'dark'

const name = 'millrace.theme'
const prefersDark = matchMedia('(prefers-color-scheme: dark)')
const listeners = new Set<() => void>()

export function chosenTheme(): Theme {
  const chosen = localStorage.getItem(name)
  return chosen === 'light' || chosen === 'dark' ? chosen : 'auto'
}

export function chooseTheme(theme: Theme): void {
  if (theme === 'auto') localStorage.removeItem(name)
  else localStorage.setItem(name, theme)
  applyTheme()
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = shownTheme()
  for (const listener of listeners) listener()
}

const shownTheme = (): 'light' | 'dark' => {
  const chosen = chosenTheme()
  return chosen === 'auto' ? (prefersDark.matches ? 'dark' : 'light') : chosen
}

prefersDark.addEventListener('change', applyTheme)

/** What is shown now: charts are drawn with its colours. */
export function useTheme(): 'light' | 'dark' {
  const [theme, setTheme] = useState(shownTheme())
  useEffect(() => {
    const listener = (): void => setTheme(shownTheme())
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return theme
}
