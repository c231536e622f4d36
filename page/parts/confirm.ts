import { html, useEffect, useRef, useState, type VNode } from '../html.js'
import { wordsOf } from '../api.js'
import { Problem, type Child } from './basics.js'

export interface Asked {
  readonly title: string
  readonly text: Child
  /** On the button. */
  readonly verb: string
  readonly isGrave?: boolean
  /** Asks for a reason too, which is given on. */
  readonly reason?: string
  /** Resolves to what has been done, in words. */
  readonly act: (reason: string) => Promise<string>
}

/** Asks before something is done that changes the app, and says what has come of it. */
export function Confirm({ asked, onEnd }: { asked: Asked; onEnd: (done: string | undefined) => void }): VNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    const before = document.activeElement
    const shown = dialog.current
    shown?.showModal()
    return () => {
      shown?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const needsReason = asked.reason !== undefined && reason.trim() === ''
  const act = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setProblem(undefined)
    try {
      onEnd(await asked.act(reason.trim()))
    } catch (error) {
      setProblem(wordsOf(error))
      setBusy(false)
    }
  }
  return html`<dialog
    ref=${dialog}
    aria-labelledby="confirm-title"
    onCancel=${(event: Event) => {
      event.preventDefault()
      if (!isBusy) onEnd(undefined)
    }}
  >
    <form onSubmit=${act}>
      <h2 id="confirm-title">${asked.title}</h2>
      <div class="dialog-text">${asked.text}</div>
      ${
        asked.reason !== undefined &&
        html`<label class="stacked"
          >${asked.reason}
          <input
            name="reason"
            value=${reason}
            maxlength="500"
            autofocus
            onInput=${(event: Event) => setReason((event.target as HTMLInputElement).value)}
          />
        </label>`
      }
      ${problem !== undefined && html`<${Problem} text=${problem} />`}
      <div class="dialog-buttons">
        <button type="button" class="quiet" disabled=${isBusy} onClick=${() => onEnd(undefined)}>Cancel</button>
        <button type="submit" class=${asked.isGrave === true ? 'grave' : 'main'} disabled=${isBusy || needsReason}>
          ${isBusy ? 'Working…' : asked.verb}
        </button>
      </div>
    </form>
  </dialog>`
}
