import { html, useState, type VNode } from '../html.js'
import { chooseTheme, chosenTheme, type Theme } from '../theme.js'

const after: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }
const names: Readonly<Record<Theme, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' }

export function ThemeButton(): VNode {
  const [theme, setTheme] = useState(chosenTheme())
  const next = after[theme]
  const change = (): void => {
    chooseTheme(next)
    setTheme(next)
  }
  return html`<button
    type="button"
    class="theme quiet"
    onClick=${change}
    title=${`Colours: ${names[theme]}. Change to ${names[next]}`}
    aria-label=${`Colours: ${names[theme]}. Change to ${names[next]}`}
  >
    <span class=${`theme-icon ${theme}`} aria-hidden="true"></span><span class="theme-name">${names[theme]}</span>
  </button>`
}
