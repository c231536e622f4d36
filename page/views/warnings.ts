import type { WarningList } from '../../lib/watch/overview/shapes.js'
import { html, type VNode } from '../html.js'
import { moment, visible, visibleKey } from '../format.js'
import { Badge, Card, Empty, MissingNote, Problem, Waiting } from '../parts/basics.js'
import { useAnswer } from '../parts/use-answer.js'

export function Warnings(): VNode {
  const { value, problem, isLoading, again } = useAnswer<WarningList>('warnings', {}, 3_000)
  return html`<${Card} title="Last warnings">
    ${problem !== undefined && html`<${Problem} text=${problem} onRetry=${again} />`}
    ${isLoading && html`<${Waiting} />`} ${value !== undefined && html`<${MissingNote} missing=${value.missing} />`}
    ${value?.warnings.length === 0 && html`<${Empty} title="Nothing was warned of">Warnings and errors that the instances log since their start are shown here.<//>`}
    ${
      value !== undefined &&
      value.warnings.length > 0 &&
      html`<ul class="rows">
        ${value.warnings.map(
          ({ seq, instance, at, level, message }) =>
            html`<li key=${`${instance} ${seq}`} class="row still">
              <span class="row-line"
                ><${Badge} tone=${level === 'error' ? 'bad' : 'warn'}>${level}<//
                ><span class="soft">${visibleKey(instance, 60)}</span><span class="row-time">${moment(at)}</span></span
              >
              <span class="warning-text">${visible(message, 2_000)}</span>
            </li>`,
        )}
      </ul>`
    }
  <//>`
}
