import { html, useEffect, type VNode } from '../html.js'

export interface Tab {
  readonly id: string
  readonly name: string
  /** Shown beside the name when there are some. */
  readonly count?: number
  readonly isAlarming?: boolean
}

/** Tabs as the arrow keys, Home and End move between them. */
export function Tabs({
  tabs,
  current,
  onPick,
}: {
  tabs: readonly Tab[]
  current: string
  onPick: (id: string) => void
}): VNode {
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(({ id }) => `tab-${id}` === (event.target as Element).id)
    const last = tabs.length - 1
    if (at < 0) return
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[
      event.key
    ]
    const tab = to === undefined ? undefined : tabs[to]
    if (tab === undefined) return
    event.preventDefault()
    onPick(tab.id)
    document.getElementById(`tab-${tab.id}`)?.focus()
  }
  useEffect(() => {
    document.getElementById(`tab-${current}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [current])
  return html`<div class="tabs" role="tablist" aria-label="Views" onKeyDown=${move}>
    ${tabs.map(
      ({ id, name, count = 0, isAlarming = false }) =>
        html`<button
          key=${id}
          type="button"
          role="tab"
          id=${`tab-${id}`}
          aria-selected=${id === current ? 'true' : 'false'}
          aria-controls="view"
          tabindex=${id === current ? 0 : -1}
          onClick=${() => onPick(id)}
        >
          ${name}${count > 0 && html`<span class=${isAlarming ? 'count bad' : 'count'}>${count > 999 ? '999+' : count}</span>`}
        </button>`,
    )}
  </div>`
}
