import { html, render } from './html.ts'
import { App } from './app.ts'
import { applyTheme } from './theme.ts'

applyTheme()
const place = document.getElementById('app') as HTMLElement
place.textContent = ''
render(html`<${App} />`, place)
