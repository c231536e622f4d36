import { html, useEffect, type VNode } from '../html.js'

export type Child = VNode | string | number | null | undefined | false | readonly Child[]

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'info'

export function Badge({ tone = 'calm', children }: { tone?: Tone; children?: Child }): VNode {
  return html`<span class=${`badge ${tone}`}>${children}</span>`
}

export function Card({
  title,
  more,
  children,
  id,
}: {
  title?: string
  more?: Child
  children?: Child
  id?: string
}): VNode {
  return html`<section class="card" aria-label=${title} id=${id}>
    ${
      title !== undefined &&
      html`<header>
        <h2>${title}</h2>
        ${more}
      </header>`
    }
    ${children}
  </section>`
}

export function Tile({
  name,
  value,
  note,
  tone = 'calm',
  to,
}: {
  name: string
  value: string
  note?: string
  tone?: Tone
  to?: string
}): VNode {
  const inside = html`<span class="tile-name">${name}</span><span class="tile-value">${value}</span
    ><span class="tile-note">${note ?? '\u00a0'}</span>`
  return to === undefined
    ? html`<div class=${`tile ${tone}`}>${inside}</div>`
    : html`<a class=${`tile ${tone}`} href=${`#${to}`}>${inside}</a>`
}

/** There is nothing to show, and why. */
export function Empty({ title, children }: { title: string; children?: Child }): VNode {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    ${children !== undefined && html`<p>${children}</p>`}
  </div>`
}

export function Problem({ text, onRetry }: { text: string; onRetry?: () => void }): VNode {
  return html`<div class="notice bad" role="alert">
    <p>${text}</p>
    ${onRetry !== undefined && html`<button type="button" class="quiet" onClick=${onRetry}>Try again</button>`}
  </div>`
}

export function Waiting({ what = 'Loading…' }: { what?: string }): VNode {
  return html`<div class="waiting" role="status"><span class="spinner" aria-hidden="true"></span>${what}</div>`
}

/** Instances that could not be asked: what they have is not shown. */
export function MissingNote({ missing }: { missing: readonly { instance: string; why: string }[] }): VNode | null {
  if (missing.length === 0) return null
  return html`<div class="notice warn" role="status">
    ${missing.map(({ instance, why }) => html`<p><strong>${instance}</strong> is not part of this: ${why}</p>`)}
  </div>`
}

export function Field({ name, children }: { name: string; children?: Child }): VNode {
  return html`<div class="field">
    <dt>${name}</dt>
    <dd>${children}</dd>
  </div>`
}

/** What was picked, beside the list that it was picked from; where there is no room for both it comes first, and is brought in sight. */
export function Picked({ title, onClose, children }: { title: string; onClose: () => void; children?: Child }): VNode {
  useEffect(() => document.getElementById('picked')?.scrollIntoView({ block: 'nearest' }), [])
  return html`<${Card}
    id="picked"
    title=${title}
    more=${html`<button type="button" class="quiet" onClick=${onClose}>Close</button>`}
  >
    <div class="detail">${children}</div>
  <//>`
}
