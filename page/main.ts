import { html, render } from './html.js'
import { App } from './app.js'
import { applyTheme } from './theme.js'

applyTheme()
const place = document.getElementById('app') as HTMLElement
place.textContent = ''
render(html`<${App} />`, place)
