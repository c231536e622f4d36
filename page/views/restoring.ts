import type { Snapshot } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { short } from '../format.js'
import { Card } from '../parts/basics.js'

/** Tasks that are being restored, and how far each is. Nothing when there are none. */
export function Restoring({ snapshot }: { snapshot: Snapshot }): VNode | null {
  const all = snapshot.members.flatMap(({ instance, report }) =>
    (report?.restoring ?? []).map((each) => ({ ...each, instance })),
  )
  if (all.length === 0) return null
  return html`<${Card} title=${`Restoring ${all.length} ${all.length === 1 ? 'task' : 'tasks'}`}>
    <ul class="bars">
      ${all.map(({ task, instance, position, end, records }) => {
        const isKnown = position !== undefined && end !== undefined && end > 0
        const share = isKnown ? Math.floor((position / end) * 100) : undefined
        return html`<li key=${`${instance} ${task}`}>
          <span>Task ${task} <small>on ${instance}</small></span>
          <progress max="100" value=${share} aria-label=${`Task ${task}`}></progress>
          <span class="number">${share === undefined ? 'waiting' : `${share} %, ${short(records)} records`}</span>
        </li>`
      })}
    </ul>
  <//>`
}
