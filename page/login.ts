import { html, useState, type VNode } from './html.ts'
import { ThemeButton } from './parts/theme-button.ts'

/** The app has a token, and whoever looks has not said it yet. It is kept by this tab until it is closed. */
export function Login({ isRefused, onToken }: { isRefused: boolean; onToken: (token: string) => void }): VNode {
  const [given, setGiven] = useState('')
  const enter = (event: Event): void => {
    event.preventDefault()
    if (given.trim() !== '') onToken(given.trim())
  }
  return html`<main class="login">
    <form class="card" onSubmit=${enter}>
      <div class="brand">
        <span class="mark" aria-hidden="true"></span><span class="product">Millrace</span><${ThemeButton} />
      </div>
      <h1>A token is needed</h1>
      <p class="soft">
        It is the <code>http.token</code> that the app was given. This tab keeps it until it is closed.
      </p>
      <label class="stacked"
        >Token
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          autofocus
          value=${given}
          onInput=${(event: Event) => setGiven((event.target as HTMLInputElement).value)}
          aria-invalid=${isRefused ? 'true' : undefined}
          aria-describedby=${isRefused ? 'refused' : undefined}
        />
      </label>
      ${isRefused && html`<p id="refused" class="refused" role="alert">This is not the token of the app.</p>`}
      <button type="submit" class="main" disabled=${given.trim() === ''}>Enter</button>
    </form>
  </main>`
}
