import { login, wordsOf } from './api.js'
import { html, useState, type VNode } from './html.js'
import { ThemeButton } from './parts/theme-button.js'

/** The app has a token, and whoever looks has not said it yet. It is sent once, for a session of some hours. */
export function Login({ onEnter }: { onEnter: () => void }): VNode {
  const [given, setGiven] = useState('')
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const enter = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      if (await login(given)) return onEnter()
      setProblem('This is not the token of the app.')
    } catch (error) {
      setProblem(wordsOf(error))
    }
    setBusy(false)
  }
  return html`<main class="login">
    <form class="card" onSubmit=${enter}>
      <div class="brand">
        <span class="mark" aria-hidden="true"></span><span class="product">Millrace</span><${ThemeButton} />
      </div>
      <h1>A token is needed</h1>
      <p class="soft">
        It is the <code>token</code> that the app was given in <code>http</code>. This browser stays logged in for
        twelve hours.
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
          aria-invalid=${problem === undefined ? undefined : 'true'}
          aria-describedby=${problem === undefined ? undefined : 'refused'}
        />
      </label>
      ${problem !== undefined && html`<p id="refused" class="refused" role="alert">${problem}</p>`}
      <button type="submit" class="main" disabled=${isBusy || given.trim() === ''}>
        ${isBusy ? 'Checking…' : 'Enter'}
      </button>
    </form>
  </main>`
}
